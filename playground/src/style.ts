import { palette, pictureStyle, timelineStyle } from '../../src/report/picture/style.ts'
import { base, reportStyle, viewerStyle } from '../../src/report/page-style.ts'

/** The style of the page, as one text: the page's policy names its hash. */
export const css = `${palette}
${base}
${timelineStyle}
${pictureStyle}
${viewerStyle}
${reportStyle}
body{display:grid;grid-template:auto minmax(0,1fr)/15rem minmax(20rem,5fr) minmax(22rem,8fr);height:100dvh;overflow:hidden}
header{grid-column:1/-1;display:flex;align-items:center;gap:1rem;padding:.5rem 1rem;border-bottom:1px solid var(--line);background:var(--panel)}
h1{font-size:1.15rem;margin:0;letter-spacing:-.01em;flex:1;min-width:0}
h1 small{font-weight:400;color:var(--dim);font-size:.82rem;letter-spacing:0;margin-left:.6rem}
#views{display:flex;gap:.2rem;align-items:center}
#views a{font-size:.9rem;padding:.28rem .65rem;color:var(--ink);text-decoration:none;border-radius:7px}
#views a:hover{text-decoration:underline}
#views button{border-color:transparent;background:none;font-size:.9rem}
#views button[aria-current]{background:var(--soft);font-weight:600;box-shadow:inset 0 -2px var(--accent)}
#audit{grid-column:1/-1;min-height:0}
.audit{display:grid;grid-template-columns:minmax(20rem,5fr) minmax(24rem,7fr);height:100%;min-height:0}
.audit[data-drop]{outline:3px dashed var(--accent);outline-offset:-6px}
.audit-source{display:flex;flex-direction:column;min-height:0;min-width:0;border-right:1px solid var(--line);background:var(--panel)}
.audit-source .editor{flex:1;min-height:0}
.audit-found{overflow:auto;min-width:0;padding:.7rem .9rem 2rem}
.audit-bar{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:center;padding:.6rem .8rem}
.audit-bar p{margin:0;color:var(--dim);font-size:.82rem}
.open-file{position:relative;font-size:.85rem;border:1px solid var(--line);border-radius:7px;padding:.28rem .65rem;cursor:pointer}
.open-file:focus-within{outline:2px solid var(--accent);outline-offset:2px}
.open-file input{position:absolute;inset:0;opacity:0;cursor:pointer;font-size:0}
.files{display:flex;flex-wrap:wrap;gap:.3rem;padding:0 .8rem .5rem}
.files:empty{display:none}
#flags{grid-column:1/-1;min-height:0;overflow:auto;padding:.7rem 1rem 2rem}
.flags-bar{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:center}
.toggles{display:flex;flex-wrap:wrap;gap:.25rem;align-items:center}
.toggles .field{margin-right:.15rem}
.toggles .chip[aria-pressed=true]{background:var(--soft)}
.toggles .quiet{font-size:.78rem;padding:.1rem .35rem;color:var(--accent)}
.flags-said{color:var(--dim);font-size:.85rem;margin:.5rem 0}
.flags-table{border-collapse:collapse;font-size:.85rem;margin:.6rem 0 1rem;display:block;overflow-x:auto;max-width:100%}
.flags-table caption{text-align:left;font-weight:600;padding:.2rem 0}
.flags-table th{font-weight:600;color:var(--dim);text-align:left;font-size:.78rem;padding:.15rem .5rem .15rem 0;white-space:nowrap}
.flags-table thead th{vertical-align:bottom}
.flags-table thead th.group[scope=colgroup]{white-space:normal;min-width:4.4rem;color:var(--ink)}
.flags-table .group{padding-left:.45rem}
.flags-table tbody th,.flags-table thead tr:first-child th:first-child{position:sticky;left:0;z-index:1;background:var(--paper)}
.flags-table td{padding:.1rem .25rem .1rem 0}
.flag-cell{font-size:.8rem;padding:.1rem .45rem;min-width:3.6rem;width:100%;text-align:left;white-space:nowrap;display:flex;gap:.1rem}
.flag-cell .answer{flex:1}
.flag-cell .sign{margin-right:.2rem}
.flag-cell.yes{color:var(--good)}
.flag-cell.bug{color:var(--bad);font-weight:600}
.flag-cell.differs{border-color:var(--accent);font-weight:600;box-shadow:inset 0 0 0 1px var(--accent)}
.flag-cell .confirmed{color:var(--dim);font-weight:400;margin-left:.3rem}
.flags-legend{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .8rem;font-size:.85rem;margin:.5rem 0;color:var(--dim)}
.flags-legend dt{color:var(--ink);font-weight:600}
.flags-legend dd{margin:0}
#said{margin:0;color:var(--accent);font-size:.85rem}
#tests{display:flex;flex-direction:column;min-height:0;border-right:1px solid var(--line)}
.tests-head{display:flex;align-items:center;gap:.5rem;padding:.6rem .75rem .3rem}
.tests-head h2{flex:1}
#tests-button{display:none}
#corpus{flex:1;min-height:0;overflow:auto;padding:.25rem .5rem 1rem .75rem}
.corpus input{width:100%;margin-bottom:.4rem}
.corpus h3{font-size:.78rem;color:var(--dim);margin:.7rem 0 .15rem;font-weight:600}
.corpus ul{list-style:none;margin:0;padding:0}
.corpus li button{display:block;width:100%;text-align:left;border:0;background:none;padding:.22rem .5rem;border-radius:6px;font-size:.85rem;color:var(--ink);overflow-wrap:anywhere}
.corpus li button:hover{background:var(--soft)}
.corpus li button[aria-current]{background:var(--soft);font-weight:600;box-shadow:inset 3px 0 var(--accent)}
.corpus .none{color:var(--dim);font-size:.85rem}
#editor{min-height:0;min-width:0;border-right:1px solid var(--line);background:var(--panel)}
.editor{height:100%}
main{container-type:inline-size;min-height:0;min-width:0;overflow:auto;padding:.6rem .9rem 2rem}
#bar{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin-bottom:.7rem}
.asked{display:flex;flex-wrap:wrap;gap:.3rem;align-items:center;font-size:.8rem;color:var(--dim);margin-left:.4rem}
.asked{gap:.3rem .9rem}
.clause{display:inline-flex;flex-wrap:wrap;gap:.2rem .3rem;align-items:center;color:var(--ink)}
#columns{display:grid;gap:1.2rem;grid-template-columns:minmax(0,1fr)}
#columns[data-count='2']{grid-template-columns:repeat(2,minmax(0,1fr))}
.column-head{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:baseline;margin-bottom:.5rem}
.column-head .quiet{margin-left:auto}
#columns[data-count='2'] .column-head{flex-wrap:nowrap}
#columns[data-count='2'] .policies{flex:1;min-width:0;overflow-wrap:anywhere}
.field{display:inline-flex;align-items:center;gap:.35rem;font-size:.82rem;color:var(--dim)}
.policies{font-size:.82rem;color:var(--dim)}
.policies summary{cursor:pointer}
.policies .field{display:flex;margin:.3rem 0;justify-content:space-between}
.result{margin-bottom:.8rem}
.expected{margin:.3rem 0 .6rem;font-size:.85rem;overflow-wrap:anywhere}
.expected.match b{color:var(--good)}
.expected.mismatch b{color:var(--bad)}
.expected.unknown b{color:var(--warn)}
.verdict a{font-size:.85rem;color:inherit}
.observed{margin:.5rem 0 0;font-size:.88rem;color:var(--dim)}
.observed code{color:var(--ink)}
.outcomes{border-collapse:collapse;font-size:.85rem;margin-top:.4rem;max-width:100%;display:block;overflow-x:auto}
.outcomes th{font-weight:600;color:var(--dim);text-align:left;font-size:.78rem;padding:.1rem .8rem .1rem 0;border-bottom:1px solid var(--line)}
.outcomes td{padding:.18rem .8rem .18rem 0;border-bottom:1px solid var(--line);vertical-align:baseline}
.outcomes .number{text-align:right;font-variant-numeric:tabular-nums}
@media (max-width:1100px){
 body{grid-template:auto auto minmax(0,1fr)/minmax(18rem,4fr) minmax(20rem,6fr)}
 #tests{grid-column:1/-1;border-right:0;border-bottom:1px solid var(--line)}
 .tests-head{padding:.4rem 1rem}
 .tests-head h2{display:none}
 #tests-button{display:block}
 #new{margin-left:auto}
 #corpus{display:none;max-height:45dvh;padding:.25rem 1rem 1rem}
 #tests[data-open] #corpus{display:block}
}
@media (max-width:960px){h1 small{display:none}}
@media (max-width:720px){
 .audit{display:block;height:auto}
 .audit-source{border-right:0;border-bottom:1px solid var(--line)}
 .audit-found{overflow:visible}
 #views button,#views a{padding:.28rem .4rem}
 header{flex-wrap:wrap;gap:.2rem .6rem;padding:.4rem .75rem}
 body{display:block;height:auto;overflow:auto}
 #editor{border-right:0;border-bottom:1px solid var(--line)}
 .editor{height:auto;max-height:55dvh;overflow:auto}
 main{overflow:visible;padding:.6rem .75rem 2rem}
 #columns[data-count='2']{grid-template-columns:minmax(0,1fr)}
}
@media (max-width:480px){#views{order:3;width:100%}}
@container (max-width:41rem){#columns[data-count='2']{grid-template-columns:minmax(0,1fr)}#columns[data-count='2'] .column-head{flex-wrap:wrap}}
@media (max-width:1500px){#columns[data-count='2'] .viewer-body{grid-template-columns:minmax(0,1fr)}}
`
