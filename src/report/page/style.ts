import { mono, sans } from '../picture/style.ts'

/** What the playground and the report page have in common: text, buttons, fields, verdicts. */
export const base = `*{box-sizing:border-box}
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
.verdict.good span,.verdict.bad span,.verdict.unknown span,.verdict.running span{color:var(--ink)}
@media (prefers-reduced-motion:no-preference){.step .go{transition:background-color .12s}}`

export const viewerStyle = `.viewer{container-type:inline-size;border-radius:8px}
.viewer-bar{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem;position:sticky;top:-.6rem;z-index:2;background:var(--paper);padding:.5rem 0}
.viewer-bar button{min-width:2.3rem;padding:.25rem .5rem}
.viewer-bar input[type=range]{flex:1 1 7rem;min-width:5rem;accent-color:var(--accent)}
.viewer-count{font-variant-numeric:tabular-nums;font-size:.85rem;color:var(--dim);min-width:3.6rem;text-align:right}
.viewer-body{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem}
.viewer-memory{min-width:0;overflow:auto}
.viewer-memory svg{display:block;max-width:100%;height:auto}
.icon{display:block;margin:.2rem auto;fill:currentColor;stroke:currentColor;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
.play .icon{fill:none}
@container (min-width:60rem){
 .viewer-body{grid-template-columns:minmax(19rem,2fr) minmax(0,3fr);align-items:start}
 .viewer-memory{position:sticky;top:3rem}
 .step{scroll-margin:4rem 0 1rem}
}
@container (max-width:59.99rem){
 .viewer-memory{order:-1;position:sticky;top:2.4rem;z-index:1;background:var(--paper);max-height:52dvh;padding-bottom:.4rem;border-bottom:1px solid var(--line)}
 .step{scroll-margin:calc(52dvh + 4rem) 0 1rem}
}`
