import { base } from '../src/report/page-style.ts'
import { mono, palette } from '../src/report/picture/style.ts'

/** The style of every page of the site, as one text: their policy names its hash. */
export const css = `${palette}
${base}
html{scroll-padding-top:1rem}
body{font-size:16px;line-height:1.6;display:grid;grid-template:auto minmax(0,1fr)/17rem minmax(0,1fr);min-height:100dvh}
header{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;align-items:center;padding:.5rem 1rem;border-bottom:1px solid var(--line);background:var(--panel)}
header .brand{font-size:1.15rem;font-weight:700;letter-spacing:-.01em;color:var(--ink);text-decoration:none;margin-right:auto}
header .brand small{font-weight:400;color:var(--dim);font-size:.82rem;letter-spacing:0;margin-left:.6rem}
header a.to{font-size:.9rem}
.contents{grid-row:2;grid-column:1;border-right:1px solid var(--line);padding:1rem .6rem 2rem 1rem;font-size:.88rem;line-height:1.45;position:sticky;top:0;max-height:100dvh;overflow:auto;align-self:start}
.contents h2{font-size:.78rem;color:var(--dim);font-weight:600;margin:1rem 0 .15rem}
.contents ul{list-style:none;margin:0;padding:0}
.contents li>a{display:block;padding:.14rem .5rem;border-radius:6px;color:var(--ink);text-decoration:none;overflow-wrap:anywhere}
.contents li>a:hover{background:var(--soft)}
.contents a[aria-current]{background:var(--soft);font-weight:600;box-shadow:inset 3px 0 var(--accent)}
.contents ul ul{margin:.1rem 0 .3rem .7rem;border-left:1px solid var(--line)}
.contents ul ul a{padding:.08rem .6rem;color:var(--dim);font-size:.95em}
main{grid-row:2;grid-column:2;min-width:0;padding:1rem 2.5rem 4rem;outline:0}
article{max-width:46rem}
article.broad{max-width:none}
article>:first-child{margin-top:.4rem}
h1,h2,h3,h4{line-height:1.25;letter-spacing:-.01em;overflow-wrap:anywhere}
h1{font-size:1.9rem;margin:0 0 1rem}
h2{font-size:1.3rem;margin:2.2rem 0 .6rem}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
p,ul,ol,dl{margin:.7rem 0}
article ul,article ol{padding-left:1.4rem}
li{margin:.2rem 0}
article img{max-width:100%;min-width:38rem;height:auto;display:block}
code{background:var(--soft);border-radius:4px;padding:.08em .3em;overflow-wrap:anywhere}
a.code{text-decoration:none}
a.code code{color:var(--accent)}
a.code:hover code,a.code:focus code{text-decoration:underline}
.block{margin:1rem 0;border:1px solid var(--line);border-radius:8px;background:var(--panel);overflow:hidden}
.block pre{overflow-x:auto;padding:.7rem .9rem;font-size:.86rem;line-height:1.45;tab-size:4}
.block code{background:none;padding:0;overflow-wrap:normal;font-size:1em}
.block a:not(.open){color:var(--a0);text-decoration:underline dotted;text-underline-offset:.2em}
.block a:not(.open):hover{text-decoration-style:solid}
.block i{color:var(--dim);font-style:italic}
.block .open{display:inline-block;font-size:.82rem;padding:.3rem .9rem .4rem}
.block pre+.open,.block .open+.open{border-top:0}
.block:has(.open) pre{border-bottom:1px solid var(--line)}
.wide{display:block;overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.9rem;line-height:1.45}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.32rem .9rem .32rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--dim);font-weight:600;font-size:.85em}
th,td{min-width:3rem}
td:first-child{min-width:8rem;max-width:18rem}
td:last-child:not(:first-child){min-width:12rem}
.flags td,.flags th{min-width:0}
.flags th,.flags td{padding:.18rem .8rem .18rem 0;white-space:nowrap}
.flags th[scope=row]{position:sticky;left:0;background:var(--paper)}
.flags a{text-decoration:none}
.flags a:hover{text-decoration:underline}
.flags .yes a{color:var(--good)}.flags .bug a{color:var(--bad);font-weight:700}.flags .no a{color:var(--ink)}
.flags .differs a{font-weight:700}
.flags span{color:var(--dim);font-weight:400}
dl{display:grid;align-items:baseline;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .9rem;font-size:.92rem}
dt{font-family:${mono};font-size:.92em}dd{margin:0;color:var(--dim)}
.turn{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;justify-content:space-between;margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.92rem;max-width:46rem}
.turn a:last-child{margin-left:auto;text-align:right}
.to-contents{display:none}
@media (max-width:860px){
 body{display:block}
 main{padding:.8rem 1rem 2rem}
 .contents{position:static;max-height:none;border-right:0;border-top:1px solid var(--line);padding:1rem}
 .contents li>a{padding:.3rem .5rem}
 .to-contents{display:inline}
 header .brand small{display:none}
 h1{font-size:1.55rem}
}
@media (max-width:600px){
 .wide table:not(.flags),.wide table:not(.flags) :is(tbody,tr,td){display:block;max-width:none}
 .wide table:not(.flags) thead{display:none}
 .wide table:not(.flags) tr{border-bottom:1px solid var(--line);padding:.35rem 0}
 .wide table:not(.flags) td{border:0;padding:.05rem 0;min-width:0}
 .wide table:not(.flags) td:empty{display:none}
}
@media print{header,.contents,.turn,.open{display:none}body{display:block}}
`
