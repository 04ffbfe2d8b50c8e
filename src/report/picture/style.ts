/** Colours by role, light and dark. A page's `data-theme` wins over what the system asks for; a picture alone follows the system. */
const light = `--paper:#f7f6f2;--panel:#fffefb;--ink:#1c2024;--dim:#5a626a;--line:#d8d5cc;--soft:#eceae3;--accent:#0a5a8f;--on-accent:#fff;--good:#1b6b3c;--bad:#b3221a;--warn:#845200;--bad-soft:#fbe5e2;--good-soft:#e0f1e5;--warn-soft:#f8ecd0;--changed:#ffe9a8;--a0:#0a5a8f;--a1:#a34700;--a2:#5b3f9e;--a3:#1b6b3c;--a4:#a1246b;--a5:#5d5a00`
const dark = `--paper:#14171a;--panel:#1b1f23;--ink:#e8e6e1;--dim:#a0a8b0;--line:#373d43;--soft:#252a2f;--accent:#7cc0ee;--on-accent:#0d1a24;--good:#7fd39c;--bad:#ff9085;--warn:#f0c163;--bad-soft:#4a201d;--good-soft:#1d3a29;--warn-soft:#43350f;--changed:#5c4a10;--a0:#7cc0ee;--a1:#f4a261;--a2:#b9a2f4;--a3:#7fd39c;--a4:#f291c4;--a5:#d6cf68`

export const mono = `ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace`
export const sans = `system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif`

export const palette = `:root{color-scheme:light;${light}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${dark}}}
:root[data-theme=dark]{color-scheme:dark;${dark}}`

/** For a picture that leaves the page: the palette is on the picture itself. */
export const picturePalette = `svg{${light}}@media (prefers-color-scheme:dark){svg{${dark}}}`

/** The memory picture and the lanes, in a page and alone. */
export const pictureStyle = `.memory text,.export text{font:12px ${mono};fill:var(--ink)}
.memory text.over,.export text.over{font:600 11px ${sans};fill:var(--dim);letter-spacing:.03em}
.thing .ground{fill:var(--panel);stroke:var(--line);stroke-width:1.25}
.thing.box .ground{fill:var(--soft);stroke:none}
.thing.frame .ground{stroke:var(--dim)}
.thing.idle .ground{fill:none;stroke-dasharray:3 3}
.thing.idle text{fill:var(--dim)}
.thing.row .ground{fill:var(--changed);stroke:none}
.thing.added .ground{stroke:var(--accent);stroke-width:1.75}
.thing.gone{opacity:.5}
.thing .strike{stroke:var(--bad);stroke-width:1.5}
.thing.hit .ground{stroke:var(--bad);stroke-width:2;fill:var(--bad-soft);stroke-dasharray:none}
.thing.row.hit .ground{stroke:none}
.thing text.mark{fill:var(--bad);font-weight:700}
.thing text.title{font-weight:700}
.thing .key,.thing text.flag,.thing text.left{fill:var(--dim)}
.thing text.flag{font-size:11px}
.thing text.new,.thing .new .key,.thing text.flag.new{font-weight:700;fill:var(--ink)}
.thing .changed{fill:var(--changed)}
.link path{fill:none;stroke:var(--dim);stroke-width:1.25}
.link circle,.link polygon{fill:var(--dim)}
.link.new path{stroke:var(--accent);stroke-width:2.25}
.link.new circle,.link.new polygon{fill:var(--accent)}
.link.stale path{stroke:var(--bad);stroke-dasharray:5 4;stroke-width:1.75}
.link.stale circle,.link.stale polygon,.link text.cross{fill:var(--bad)}
.link text.cross{font-weight:700;font-size:14px;paint-order:stroke;stroke:var(--paper);stroke-width:4px}
.lane{stroke:var(--line);stroke-width:2}
${[0, 1, 2, 3, 4, 5].map((i) => `.dot.a${i}{fill:var(--a${i})}.ring.a${i}{fill:none;stroke:var(--a${i});stroke-width:2}`).join('')}
.dot.broken{fill:var(--bad)}
.gutter .cross,.export .cross{stroke:var(--panel);stroke-width:2.2;stroke-linecap:round;fill:none}`

/** The list of steps beside the lanes. */
export const timelineStyle = `.timeline{font-size:14px;line-height:1.4}
.timeline ul,.timeline ol{list-style:none;margin:0;padding:0}
.actors{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--dim);font-size:13px;padding-bottom:8px !important}
.actors li{display:flex;align-items:center;gap:5px;min-width:0}
.actors b{color:var(--ink)}
.actors .context{font-family:${mono};font-size:12px}
.actors b,.actors .context{white-space:nowrap}
.actors svg{flex:none}
.actors .role{overflow-wrap:anywhere}
.lane-names{display:flex;font:600 11px ${sans};color:var(--dim)}
.lane-names span{width:26px;text-align:center}
.step{display:flex;align-items:stretch}
.gutter{flex:none;position:relative;display:block}
.gutter svg{display:block}
.gutter .rails{position:absolute;left:0;top:0;overflow:visible}
.go{flex:1;min-width:0;text-align:left;font:inherit;color:inherit;background:none;border:0;border-radius:6px;padding:4px 8px 5px;display:block}
button.go{cursor:pointer}
button.go:hover{background:var(--soft)}
.step.now .go{background:var(--soft);box-shadow:inset 3px 0 var(--accent)}
.step.ahead .go{color:var(--dim)}
.step .number{display:inline-block;min-width:1.6em;color:var(--dim);font-variant-numeric:tabular-nums;font-size:12px}
.step .who{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.step .statement{font-family:${mono};font-size:13px;font-weight:600;overflow-wrap:anywhere}
.step.start .statement{font-family:inherit;font-weight:400;color:var(--dim)}
.step .statement.within{font-weight:400;padding-left:1.2em}
.step .place{color:var(--dim);font:12px ${mono};margin-left:.8em;overflow-wrap:anywhere}
.step .changes{display:block;padding-left:1.6em;font-size:13px}
.step .changes span{display:block;overflow-wrap:anywhere}
.step .changes span::before{content:'· ';color:var(--dim)}
.timeline>.breaks{margin:8px 0 0;padding:10px 12px;border:1.5px solid var(--bad);border-radius:8px;background:var(--bad-soft)}
.timeline>.breaks p{margin:0;overflow-wrap:anywhere}
.timeline>.breaks b{color:var(--bad)}
.timeline>.breaks .promise{color:var(--ink)}
.timeline>.breaks .detail{margin-top:4px;font-family:${mono};font-size:12.5px}`
