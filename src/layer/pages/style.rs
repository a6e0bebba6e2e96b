//! How the pages look: one style for all, in light and dark, on wide and narrow screens.

pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--bg:#f3f4f7;--card:#fff;--ink:#1c2230;--soft:#5a6275;--line:#cfd5e1;--key:#1f5fd6;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#11141b;--card:#1a1f2a;--ink:#e8ebf2;--soft:#a3abbd;--line:#394152;--key:#5b93ff;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif;padding:1rem}
main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:2rem;box-shadow:0 1px 3px #0002}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .25rem}p{margin:.5rem 0}.soft{color:var(--soft)}
label{display:block;font-weight:600;margin:1rem 0 .25rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--soft);border-radius:.4rem;padding:.55rem .7rem}
button{width:100%;margin-top:1.5rem;font:inherit;font-weight:600;color:#fff;background:var(--key);border:0;border-radius:.4rem;padding:.65rem;cursor:pointer}
@media(prefers-color-scheme:dark){button{color:#0b1020}}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--key);outline-offset:2px}
.bad{color:var(--bad);font-weight:600}a{color:var(--key)}footer{margin-top:1.5rem;font-size:.85rem;color:var(--soft)}
html.list body{place-items:start center;padding-top:clamp(1rem,6vh,4rem)}html.list main{max-width:46rem}
.note{margin:1rem 0 0;padding:.6rem .85rem;border:1px solid var(--key);border-left-width:4px;border-radius:.4rem}
ul{list-style:none;margin:1.25rem 0 0;padding:0;border-top:1px solid var(--line)}
li{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1rem;padding:.9rem 0;border-bottom:1px solid var(--line)}
li>div{flex:1 1 18rem;min-width:0;overflow-wrap:anywhere}li p{margin:.1rem 0 0;font-size:.9rem}
.tag{display:inline-block;margin-left:.4rem;padding:0 .55rem;border:1px solid var(--key);border-radius:1rem;color:var(--key);font-size:.8rem;font-weight:600;white-space:nowrap}
html.list button{width:auto;margin:0;padding:.4rem .9rem;background:transparent;color:var(--bad);border:1px solid currentColor}
html.list button:hover{background:var(--bad);border-color:var(--bad);color:var(--card)}
time span{white-space:nowrap}.all{margin-top:1.25rem}nav{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem}
@media(max-width:30rem){html.list main{padding:1.25rem}li p{font-size:.85rem}}";
