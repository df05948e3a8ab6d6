// The style sheet of report.html.
#pragma once

namespace dcgan_mnist {

/// One column on a telephone, two on a desk; light or dark as the reader's system is. Wide things scroll in themselves.
inline constexpr const char* report_style = R"css(
:root { color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #1d1d1f; --quiet: #5d5d66; --line: #d9d9de; --good: #16703c; --bad: #a33a00;
  --c0: #0072b2; --c1: #c84e00; --c2: #00795a; --c3: #9a4d8a; }
@media (prefers-color-scheme: dark) { :root {
  --page: #141416; --card: #1f1f23; --ink: #ececf0; --quiet: #a5a5b0; --line: #3a3a42; --good: #63d08f; --bad: #ff9d6b;
  --c0: #5ab4f0; --c1: #ffa44d; --c2: #4fc9a0; --c3: #e094d2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: .2rem 0 .6rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .4rem; }
h3 { font-size: 1rem; margin: 0 0 .2rem; }
p { margin: .5rem 0; max-width: 46rem; }
.quiet, figcaption, .note { color: var(--quiet); font-size: .9rem; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 1rem;
  padding: .05rem .7rem; font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.facts b { display: block; font-size: 1.3rem; line-height: 1.2; }
.facts span { color: var(--quiet); font-size: .85rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.pictures.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  align-items: start; margin: 1rem 0; }
.growth { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
@media (min-width: 50rem) { .growth { grid-template-columns: minmax(0, 5fr) minmax(0, 8fr); }
  .growth > .series:only-child { grid-column: 1 / 3; } }
.series { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(min(30%, 8.5rem), 1fr)); }
.card, figure { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem; margin: 0; min-width: 0; }
.series figure { padding: .4rem; }
figure img { display: block; width: 100%; height: auto; border-radius: .25rem; image-rendering: pixelated; }
.series img { image-rendering: auto; }
figcaption { margin-top: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 13px; }
@media (max-width: 40rem) { svg text { font-size: 16px; } }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--quiet); stroke-width: 1; }
svg .reference { stroke: var(--quiet); stroke-width: 1.4; stroke-dasharray: 6 4; }
svg polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
svg polyline { stroke: var(--c); } svg circle, svg rect, svg polygon { fill: var(--c); }
svg polygon { opacity: .22; } svg rect.band { opacity: .1; }
.key { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: 0 0 .3rem; font-size: .88rem; }
.key i { display: inline-block; width: 1.3rem; height: .25rem; border-radius: .2rem; margin-right: .4rem;
  vertical-align: .22rem; background: var(--c); }
table { border-collapse: collapse; font-size: .92rem; width: 100%; }
th { text-align: left; font-weight: 600; }
td, th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
.figures { margin: 1rem 0 .3rem; width: auto; } .figures th.part { padding-left: 1rem; font-weight: 400; }
.figures td:nth-child(2), .figures td:nth-child(3) { text-align: right; font-variant-numeric: tabular-nums; }
.tables { display: grid; gap: 1rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.scroll { overflow-x: auto; }
.scroll td, .scroll th { overflow-wrap: normal; white-space: nowrap; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem; margin: .5rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .88rem; }
)css";

}  // namespace dcgan_mnist
