import { mono, sans } from './picture/style.ts'

/** What the playground and the report page have in common: text, buttons, fields, verdicts. */
export const base = `*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;font:15px/1.5 ${sans};background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
code,pre{font-family:${mono};font-size:.92em}
pre{margin:0}
h2{font-size:.95rem;margin:0}
a{color:var(--accent)}
button,select,input{font:inherit;color:var(--ink)}
button,select,input[type=search],input[type=text]{font-size:.85rem;border:1px solid var(--line);background:var(--panel);border-radius:7px;padding:.28rem .65rem}
button{cursor:pointer}
button:hover:not(:disabled){border-color:var(--dim)}
button:disabled{color:var(--dim);cursor:default;opacity:.65}
button[aria-pressed=true]{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
button.quiet{border-color:transparent;background:none;padding:.2rem .5rem}
button.chip{font-size:.78rem;padding:.1rem .55rem;border-radius:99px}
button.pick.bad{color:var(--bad);font-weight:600;padding:.05rem .5rem}
button.pick.plain{border:0;background:none;color:var(--accent);padding:0 .3rem;text-decoration:underline;box-shadow:none}
button.pick.plain[aria-pressed=true]{font-weight:700;text-decoration:none}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.aside{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem;top:.3rem;z-index:9;background:var(--panel);padding:.3rem .8rem;border-radius:7px}
.skip:focus{left:.5rem}
.verdict{display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:baseline;margin:0;padding:.45rem .75rem;border-radius:8px;border:1px solid;overflow-wrap:anywhere}
.verdict span{color:var(--dim);font-size:.85rem}
.verdict ul{margin:.2rem 0 0;padding-left:1.2rem}
.verdict.good{border-color:var(--good);background:var(--good-soft)}
.verdict.good b{color:var(--good)}
.verdict.bad{border-color:var(--bad);background:var(--bad-soft)}
.verdict.bad b{color:var(--bad)}
.verdict.unknown,.verdict.running{border-color:var(--warn);background:var(--warn-soft)}
.verdict.unknown b,.verdict.running b{color:var(--warn)}
.verdict.absent{border-color:var(--line);background:var(--soft)}
.verdict.good span,.verdict.bad span,.verdict.unknown span,.verdict.running span{color:var(--ink)}
@media (prefers-reduced-motion:no-preference){.step .go{transition:background-color .12s}}`

export const viewerStyle = `.viewer{container-type:inline-size;border-radius:8px}
.viewer-bar{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem;position:sticky;top:-.6rem;z-index:2;background:var(--ground,var(--paper));padding:.5rem 0}
.viewer-bar button{min-width:2.3rem;padding:.25rem .5rem}
.viewer-bar input[type=range]{flex:1 1 4rem;min-width:3.5rem;accent-color:var(--accent)}
.viewer-count{font-variant-numeric:tabular-nums;font-size:.85rem;color:var(--dim);min-width:3.6rem;text-align:right}
.viewer-body{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem}
.viewer-memory{min-width:0;overflow:auto}
.viewer-memory svg{display:block;max-width:100%;height:auto}
.icon{display:block;margin:.2rem auto;fill:currentColor;stroke:currentColor;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
.play .icon{fill:none}
@container (max-width:30rem){
 .viewer-bar{flex-wrap:nowrap}
 .viewer-bar .edge,.viewer-count{display:none}
 .step .place{display:block;margin-left:1.9em}
}
@container (max-width:19rem){
 .viewer-bar{flex-wrap:wrap}
}
@container (min-width:60rem){
 .viewer-body{grid-template-columns:minmax(19rem,2fr) minmax(0,3fr);align-items:start}
 .viewer-memory{position:sticky;top:3rem}
 .step{scroll-margin:4rem 0 1rem}
}
@container (max-width:59.99rem){
 .viewer-memory{order:-1;position:sticky;top:2.4rem;z-index:1;background:var(--ground,var(--paper));max-height:52dvh;padding-bottom:.4rem;border-bottom:1px solid var(--line)}
 .step{scroll-margin:calc(52dvh + 4rem) 0 1rem}
}`

/** A list of findings, and a finding. */
export const reportStyle = `.tiles{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;margin-bottom:.9rem}
.tile{display:flex;align-items:baseline;gap:.5rem;padding:.45rem .9rem;border-radius:9px;border-width:1.5px;font-size:.9rem}
.tile b{font-size:1.25rem;font-variant-numeric:tabular-nums}
.tile.bad b{color:var(--bad)}.tile.unknown b{color:var(--warn)}.tile.good b{color:var(--good)}
.tile[aria-pressed=false]{opacity:.6;border-style:dashed;text-decoration:line-through}
.figures{margin:0 0 0 .4rem;color:var(--dim);font-size:.85rem;flex:1 1 18rem}
.sums{margin:0 0 .9rem;font-size:.85rem}
.sums>summary{cursor:pointer;color:var(--dim);width:max-content;padding:.1rem 0}
.sums-body{display:flex;flex-wrap:wrap;gap:.4rem 2.5rem;align-items:flex-start;margin-top:.3rem}
.sums table{border-collapse:collapse}
.sums th,.sums td{padding:.1rem .5rem;font-weight:400;text-align:right;font-variant-numeric:tabular-nums;border-bottom:1px solid var(--line)}
.sums th:first-child{text-align:left;padding-left:0}
.sums thead th{color:var(--dim);font-weight:600}
.sums thead .bad{color:var(--bad)}.sums thead .unknown{color:var(--warn)}.sums thead .good{color:var(--good)}
.sums .pick.plain{padding:0;overflow-wrap:anywhere;text-align:left}
.sums .more{text-align:left;color:var(--dim);border:0;padding-left:0}
.filters{display:flex;flex-wrap:wrap;gap:.45rem .8rem;align-items:center}
.filters input{flex:1 1 14rem;max-width:26rem}
.field{display:inline-flex;align-items:center;gap:.35rem;font-size:.82rem;color:var(--dim);min-width:0}
.field select{max-width:15rem}
.count{color:var(--dim);font-size:.85rem;margin:.6rem 0 .3rem}
.site{border:1px solid var(--line);border-left:4px solid;border-radius:7px;background:var(--panel);margin-bottom:.3rem;content-visibility:auto;contain-intrinsic-size:auto 2.2rem}
.site.bad{border-left-color:var(--bad)}.site.unknown{border-left-color:var(--warn)}.site.good{border-left-color:var(--good)}
.site>summary{display:grid;grid-template-columns:5.6rem minmax(10rem,5fr) minmax(9rem,5fr) minmax(6rem,4fr);gap:0 .9rem;padding:.32rem .7rem;cursor:pointer;font-size:.87rem;align-items:baseline;list-style:none}
.site>summary::-webkit-details-marker{display:none}
.site>summary:hover{background:var(--soft)}
.site>summary span{overflow-wrap:anywhere;min-width:0}
.site .verdict-word{font-weight:700}
.site.bad .verdict-word{color:var(--bad)}.site.unknown .verdict-word{color:var(--warn)}.site.good .verdict-word{color:var(--good)}
.site .judged{display:flex;flex-wrap:wrap;gap:.1rem .4rem;align-items:baseline}
.site .became{font-size:.82em;border:1px solid var(--line);border-radius:9px;padding:0 .5em;white-space:nowrap}
.site .where{font-family:${mono};font-size:.92em}
.site .why{color:var(--dim)}
.site .body{--ground:var(--panel);padding:.3rem .9rem 1rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
.site h4{margin:1rem 0 .3rem;font-size:.9rem}
.site .summary{margin:.5rem 0}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .9rem;margin:.4rem 0 .8rem;font-size:.87rem}
.facts dt{color:var(--dim)}.facts dd{margin:0}
.excerpt{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto;background:var(--soft);border-radius:7px;padding:.3rem .4rem;overflow-wrap:normal}
.excerpt caption{text-align:left;color:var(--dim);font-family:${mono};font-size:.92em;padding:0 .3rem .2rem}
.excerpt td{padding:0 .4rem;white-space:pre;vertical-align:top}
.excerpt .n{color:var(--dim);text-align:right;font-family:${mono};user-select:none}
.excerpt .s{min-width:1.4rem;text-align:center;font-weight:700;color:var(--accent)}
.excerpt .at.bad{background:var(--bad-soft)}.excerpt .at.bad .s{color:var(--bad)}
.excerpt .at.good{background:var(--good-soft)}.excerpt .at.good .s{color:var(--good)}
.excerpt .at.unknown{background:var(--warn-soft)}.excerpt .at.unknown .s{color:var(--warn)}
.excerpt .cut td{color:var(--dim)}
.hops,.tried{margin:.2rem 0;padding-left:1.4rem;font-size:.87rem}
.tried{list-style:none;padding-left:.2rem;color:var(--dim)}
.hops .line{display:block;color:var(--dim);padding-left:1rem}
.checked{color:var(--good);font-weight:600;margin:.2rem 0}
.test{margin:.5rem 0;font-size:.87rem}
.test pre{background:var(--soft);border-radius:7px;padding:.6rem .8rem;overflow-x:auto;margin:.4rem 0;tab-size:4;overflow-wrap:normal}
.replay{font-size:.87rem}
.problems{margin-top:1.2rem;font-size:.87rem}
.report{container-type:inline-size}
.report.compared .site>summary{grid-template-columns:8.6rem minmax(10rem,5fr) minmax(9rem,5fr) minmax(6rem,4fr)}
@container (max-width:44rem){.site>summary,.report.compared .site>summary{grid-template-columns:5.6rem minmax(0,1fr)}.report.compared .site>summary{grid-template-columns:8.6rem minmax(0,1fr)}.site .what,.site .why{grid-column:2}.site .judged{grid-row:span 3}}`
