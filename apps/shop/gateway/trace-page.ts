import { html, raw } from "hono/html";
import { type Files, icon } from "./storefront.ts";
import type { Bar, Waterfall } from "./waterfall.ts";

const strategy = "mortise.transaction.strategy";

type Html = ReturnType<typeof html>;

/** A trace as a page of its own, without any script. */
export function tracePage(
  traceId: string,
  trace: Waterfall | undefined,
  elsewhere: string | undefined,
  files: Files,
): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<link rel="icon" href="${files.has(icon) ? icon : "data:,"}" />
<title>Trace ${traceId.slice(0, 8)}</title>
<style>${raw(`${fontFaces(files)}${style}`)}</style>
</head>
<body>
<main>
  <p class="crumb"><a href="/">Tenon</a> / trace</p>
  <h1>${trace ? "What this request set in motion" : "This trace is not kept here"}</h1>
  ${trace ? summary(traceId, trace) : missing(traceId)}
  ${elsewhere ? html`<p><a href="${elsewhere}">Open in Jaeger</a></p>` : ""}
  ${trace ? bars(trace) : ""}
</main>
</body>
</html>`;
}

function summary(traceId: string, { durationMs, bars, services, startMs }: Waterfall): Html {
  return html`<dl>
    <div><dt>Trace</dt><dd><code>${traceId}</code></dd></div>
    <div><dt>Began</dt><dd>${new Date(startMs).toISOString().replace("T", " ").slice(0, 23)}</dd></div>
    <div><dt>Took</dt><dd>${millis(durationMs)}</dd></div>
    <div><dt>Spans</dt><dd>${bars.length}</dd></div>
  </dl>
  ${transactions(bars)}
  <ul class="legend">${services.map((name) => html`<li style="--hue:${hueOf(name, services)}">${name}</li>`)}</ul>`;
}

/** The transactions of a trace: name, strategy and outcome, and the id by which `mortise tx show` tells more. */
function transactions(bars: Waterfall["bars"]): Html {
  const begun = bars.filter(({ span }) => span.name.startsWith("transaction ") && span.attributes[strategy]);
  if (begun.length === 0) return html``;
  const told = begun.map(({ span: { name, attributes } }) => {
    const outcome = attributes["mortise.transaction.outcome"] ?? "under way";
    const gid = attributes["mortise.transaction.gid"] ?? "";
    return html`<li><b>${name.replace("transaction ", "")}</b> by <b>${attributes[strategy]}</b>, ${outcome} <code>${gid}</code></li>`;
  });
  return html`<h2>${begun.length === 1 ? "Its transaction" : "Its transactions"}</h2><ul class="transactions">${told}</ul>`;
}

function missing(traceId: string): Html {
  return html`<p>Recent traces are kept in the memory of the process that made them; <code>${traceId}</code> is not
  among them. It may be older than that, or the process was started anew.</p>`;
}

function bars({ bars, services }: Waterfall): Html {
  return html`<ol>${bars.map((bar) => row(bar, services))}</ol>`;
}

function row({ span, depth, start, width }: Bar, services: readonly string[]): Html {
  const at = `--hue:${hueOf(span.service, services)};--depth:${depth};--start:${percent(start)};--width:${percent(width)}`;
  const facts = Object.entries(span.attributes).map(([name, value]) => `${name} = ${value}`);
  const told = [`${span.service} (${span.kind})`, span.code, span.message, ...facts].filter(Boolean).join("\n");
  return html`<li style="${at}" class="${span.code === "OK" ? "" : "bad"}" title="${told}">
    <span class="name"><b>${span.service}</b> ${shortName(span.name)}</span>
    <span class="lane"><i></i></span>
    <span class="time">${span.code === "OK" ? "" : html`<em>${span.code}</em> `}${millis(span.durationMs)}</span>
  </li>`;
}

/** `shop.inventory.v1.Inventory/Freeze` is `Inventory/Freeze` among friends. */
function shortName(name: string): string {
  return name.replace(/\b(?:[a-z][a-z0-9_]*\.)+(?=[A-Z])/, "");
}

function hueOf(service: string, services: readonly string[]): number {
  return (services.indexOf(service) * 137 + 22) % 360;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

function millis(ms: number): string {
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(1)} ms`;
}

/** The fonts of the storefront, where it is built. */
function fontFaces(files: Files): string {
  const face = (family: string, file: RegExp) => {
    const path = [...files.keys()].find((name) => file.test(name));
    return path ? `@font-face { font-family: "${family}"; src: url(${path}); font-weight: 100 900; }` : "";
  };
  return (
    face("Fraunces Variable", /fraunces-latin-wght-normal/) + face("Figtree Variable", /figtree-latin-wght-normal/)
  );
}

const style = `
:root { color-scheme: light; --ink: #23241f; --soft: #74746a; --line: #e4e0d6; --paper: #faf8f3; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 "Figtree Variable", ui-sans-serif, system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font: 480 34px/1.2 "Fraunces Variable", "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; margin: 0 0 20px; }
a { color: #9a3f22; } code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; } .crumb { color: var(--soft); margin: 0 0 8px; }
dl { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 0 0 16px; } dt { color: var(--soft); font-size: 13px; } dd { margin: 0; }
h2 { font-size: 13px; font-weight: 400; color: var(--soft); margin: 0; } .transactions { padding: 0; margin: 0 0 16px; list-style: none; } .transactions b { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; padding: 0; margin: 0 0 20px; list-style: none; }
.legend li::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 7px; background: hsl(var(--hue) 45% 52%); }
ol { list-style: none; margin: 0; padding: 0; background: #fff; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
ol li { display: grid; grid-template-columns: minmax(190px, 34%) 1fr 128px; gap: 14px; align-items: center; padding: 6px 14px; border-top: 1px solid #f1eee6; }
ol li:first-child { border-top: 0; } ol li:hover { background: #fbfaf6; }
.name { padding-left: calc(var(--depth) * 16px); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 14px; }
.name b { font-weight: 500; color: hsl(var(--hue) 50% 32%); }
.lane { position: relative; height: 16px; border-radius: 4px; background: linear-gradient(90deg, #f1eee6 1px, transparent 1px) 0 0 / 25% 100%; }
.lane i { position: absolute; left: min(var(--start), calc(100% - 3px)); width: max(3px, var(--width)); top: 3px; height: 10px; border-radius: 3px; background: hsl(var(--hue) 45% 52%); }
.time { text-align: right; font-variant-numeric: tabular-nums; font-size: 13px; color: var(--soft); white-space: nowrap; }
.bad .lane i { background: #c0392b; } em { font-style: normal; color: #c0392b; font-size: 11px; }
@media (max-width: 640px) { ol li { grid-template-columns: 1fr 90px; } .lane { grid-column: 1 / -1; order: 3; } }
`;
