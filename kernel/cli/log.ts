import { styleText } from "node:util";
import type { Log, LogFields } from "../core/plugin.ts";
import type { Clock } from "../core/ports.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "text" | "json";

export interface LineLogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether text may be coloured. */
  readonly color: boolean;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

const styles = { debug: "dim", info: "cyan", warn: "yellow", error: "red" } as const;

/** Writes one line per message: for people `12:03:04.567 info  message key=value`, or one JSON object. The stack of an error follows its line. */
export function lineLog({ level, format, color, clock, write }: LineLogOptions): Log {
  const least = logLevels.indexOf(level);
  const at =
    (name: keyof typeof styles) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(name) < least) return;
      const time = new Date(clock.wall()).toISOString();
      write(format === "json" ? json(time, name, message, fields) : text(time, name, message, fields, color));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function json(time: string, level: string, message: string, fields: LogFields): string {
  const plain = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
  return JSON.stringify({ time, level, message, ...plain });
}

function text(time: string, level: keyof typeof styles, message: string, fields: LogFields, color: boolean): string {
  const style = (name: Parameters<typeof styleText>[0], part: string) =>
    color ? styleText(name, part, { validateStream: false }) : part;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${style("dim", `${name}=`)}${fieldText(value)}`);
  const stacks = level === "error" ? Object.values(fields).flatMap(stackLines) : [];
  const line = `${style("dim", time.slice(11, 23))} ${style(styles[level], level.padEnd(5))} ${oneLine(message)}${pairs.join("")}`;
  return [line, ...stacks.map((each) => style("dim", each))].join("\n");
}

function fieldText(value: unknown): string {
  const plain = value instanceof Error ? messageOf(value) : plainValue(value);
  if (typeof plain === "string") return /^[^\s"=]+$/.test(plain) ? plain : JSON.stringify(plain);
  return JSON.stringify(plain) ?? "undefined";
}

/** Only the frames: the message is in the line already. */
function stackLines(value: unknown): string[] {
  if (!(value instanceof Error)) return [];
  return (value.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
}

/** The error of a query holds the values it was made with, which may be secrets; what helps is the reason. */
function messageOf(error: Error): string {
  if (!("query" in error && "params" in error)) return error.message || error.name;
  const reason = error.cause instanceof Error ? error.cause.message : "no reason given";
  return `${reason}, in the query: ${String(error.query)}`;
}

/** Control characters in a message could forge lines, or move the cursor. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1));
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return [messageOf(value), ...stackLines(value)].join("\n");
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value, replaceBigint));
  } catch {
    return "[circular]";
  }
}

function replaceBigint(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
