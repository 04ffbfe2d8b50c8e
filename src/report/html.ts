import type { ReportData } from './page-data.ts'
import { base, reportStyle, viewerStyle } from './page-style.ts'
import { write } from './picture/markup.ts'
import { palette, pictureStyle, timelineStyle } from './picture/style.ts'

/**
 * An audit as one page to send around. Everything that comes from the tree is data in it, and the page's policy allows exactly the one
 * script and the one style, by hash: what a file's name or a comment holds stays text.
 */
export function renderReportPage(
  data: ReportData,
  { script, sha256 }: { readonly script: string; readonly sha256: (text: string) => string },
): string {
  const { tree, tool } = data.result
  const { compared } = data
  const title = `tenure audit: ${tree.path}, Linux ${tree.kernel}`
  const what = compared === undefined ? '' : ` · compared with ${write(compared.with)}`
  const style = `${palette}\n${base}\n${timelineStyle}\n${pictureStyle}\n${viewerStyle}\n${reportStyle}\n${pageStyle}`
  if (/<\/script|<!--/i.test(script)) throw new Error('the script of the page would end its element')
  const policy = `default-src 'none'; script-src 'sha256-${sha256(script)}'; style-src 'sha256-${sha256(style)}'; img-src data:; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${write(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header><h1>tenure audit</h1><p>${write(tree.path)} · Linux ${write(tree.kernel)} · ${write(data.result.protocols.join(', '))}${what}</p></header>
<main id="report"></main>
<footer><p>Made by ${tool.name} ${write(tool.version)}. A finding is a litmus test with a verdict: every one can be run again.</p></footer>
<noscript><p>This report needs JavaScript; it loads nothing.</p></noscript>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script type="module">${script}</script>
</body>
</html>
`
}

const pageStyle = `body{max-width:84rem;margin:0 auto;padding:1rem 1.2rem 3rem}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem 1rem;margin-bottom:1rem}
h1{font-size:1.3rem;margin:0}
header p{margin:0;color:var(--dim);overflow-wrap:anywhere}
footer{color:var(--dim);font-size:.85rem;margin-top:1.5rem}
.viewer-bar{top:0}`
