"""How a report looks: on a light and on a dark screen, on a phone, and on paper."""

_LIGHT = """--paper:#fff;--panel:#f4f6f9;--ink:#1a2027;--muted:#5a6572;--rule:#d9dfe6;
--first:#0b5fb0;--second:#b3470b;--third:#2f7d4f;--good:#1d6b3f;"""
_DARK = """--paper:#12171d;--panel:#1b222a;--ink:#e5eaf0;--muted:#a0acb9;--rule:#333d48;
--first:#6fb4ff;--second:#ffa05c;--third:#74cf98;--good:#7fd6a2;"""

CSS = (
    ":root{color-scheme:light dark;" + _LIGHT + "}"
    "@media screen and (prefers-color-scheme:dark){:root{" + _DARK + "}}"
    """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:72rem;background:var(--paper);
color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",
"Noto Sans",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .4rem}
h2{font-size:1.3rem;margin:0 0 .4rem}
h3{font-size:1rem;margin:0 0 .4rem}
p{margin:.4rem 0;max-width:52rem}
section{margin-top:2.2rem;padding-top:1.2rem;border-top:1px solid var(--rule)}
a{color:var(--first)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:1rem 0 0}
.kind{color:var(--muted);margin:0}
h1 span{font-size:.8rem;font-weight:600;padding:.15rem .6rem;border-radius:1rem;
border:1px solid currentColor;vertical-align:middle;white-space:nowrap;color:var(--muted)}
h1 span.active{color:var(--good)}
dl{margin:.8rem 0}
dd{margin:0}
.facts div{display:grid;grid-template-columns:8.5rem 1fr;gap:.8rem;padding:.15rem 0}
dt,small,.cards span,caption,figcaption{color:var(--muted)}
.verdict,.note{background:var(--panel);border-left:4px solid var(--first);padding:.7rem 1rem;
border-radius:0 .3rem .3rem 0;max-width:none}
.note{border-color:var(--second)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:.8rem}
.cards div{background:var(--panel);border-radius:.4rem;padding:.7rem .9rem}
.cards dd{display:flex;flex-wrap:wrap;align-items:baseline;column-gap:.7rem}
.cards b{font-size:1.7rem;line-height:1.3;white-space:nowrap}
.cards span{white-space:nowrap}
.cards small{flex-basis:100%}
small{font-size:.85rem;line-height:1.35;margin-top:.3rem}
.beside{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr));
gap:1.6rem 2rem;align-items:start;margin-top:1rem}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;line-height:1.45;margin-top:.3rem}
.chart svg{display:block;width:100%;height:auto;max-width:31rem}
.chart svg *{stroke-linejoin:round}
.chart text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",
Arial,sans-serif;fill:var(--ink)}
.wide{overflow-x:auto;min-width:0;margin-top:1rem}
.beside .wide{margin-top:0}
table{min-width:min(100%,27rem);border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:.3rem;font-weight:600}
th,td{padding:.28rem .9rem .28rem 0;text-align:right;vertical-align:top;
border-bottom:1px solid var(--rule)}
th:first-child,#figures td:last-child,#figures th:last-child{text-align:left;font-weight:400}
td,thead th{overflow-wrap:normal;white-space:nowrap}#figures td:last-child{white-space:normal}
th[scope=row]{overflow-wrap:anywhere;min-width:6.5rem}
thead th{font-weight:600!important;border-bottom-color:var(--muted)}
footer{margin-top:2.5rem;color:var(--muted);font-size:.9rem}
@media (max-width:34rem){.facts div{grid-template-columns:1fr;gap:0}
th,td{padding-right:.6rem}#figures td:last-child,#figures th:last-child{min-width:12rem}}
@media print{@page{margin:14mm}body{padding:0;max-width:none;font-size:10pt}
nav{display:none}section{break-before:page;border-top:0;margin-top:0;padding-top:0}
#summary{break-before:auto;margin-top:1rem}figure,.cards div,tr{break-inside:avoid}
.beside{grid-template-columns:1fr 1fr}.wide{overflow:visible}
section:not(:has(figure,table)){break-before:auto;margin-top:1.5rem}
table{min-width:0;width:100%;font-size:8.5pt}th,td{padding:.15rem .6rem .15rem 0}
th[scope=row]{min-width:0}#figures .wide:last-child table,#ranking>.wide table{width:50%}
figcaption{font-size:8.5pt}footer{margin-top:.6rem;font-size:8pt}
#figures table{font-size:8pt}#figures th{white-space:nowrap}
#figures th,#figures td{padding-block:.03rem}
.verdict,.note,.cards div{border:1px solid var(--rule)}}
"""
)
