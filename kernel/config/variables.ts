/** What is wrong with a `${…}`: its text, where in the scalar it stands, and what to do. */
export interface VariableFault {
  readonly index: number;
  readonly message: string;
}

export interface Filled {
  readonly text: string;
  /** Names of the variables whose values are in the text. */
  readonly variables: readonly string[];
  readonly faults: readonly VariableFault[];
}

const reference = /(\$?)\$\{([^}]*)(\}?)/g;
const content = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Puts in the values of `${NAME}` and `${NAME:-default}`; the default is also taken for an empty variable. `$${` stands
 * for a plain `${`.
 */
export function fillVariables(text: string, env: Readonly<Record<string, string | undefined>>): Filled {
  const variables: string[] = [];
  const faults: VariableFault[] = [];
  const filled = text.replace(reference, (whole, escaped: string, inner: string, close: string, index: number) => {
    if (escaped) return whole.slice(1);
    const [, name, fallback] = (close && content.exec(inner)) || [];
    if (name === undefined) {
      faults.push({
        index,
        message: `"${whole}" is not a variable; write \${NAME} or \${NAME:-default}, or $\${ for a plain \${`,
      });
      return whole;
    }
    const value = env[name];
    if (value) variables.push(name);
    else if (fallback === undefined && value === undefined) faults.push({ index, message: missing(name) });
    return value || (fallback ?? "");
  });
  return { text: filled, variables, faults };
}

function missing(name: string): string {
  return `environment variable ${name} is not set; set it, or write a default: \${${name}:-…}`;
}

/** The value of an unquoted scalar (YAML 1.2 core schema), except that nothing stays an empty text. */
export function scalarOf(text: string): string | number | boolean | null {
  if (/^(?:~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  const special = /^([-+]?)\.(?:inf|Inf|INF)$/.exec(text);
  if (special) return special[1] === "-" ? -Infinity : Infinity;
  return /^\.(?:nan|NaN|NAN)$/.test(text) ? NaN : text;
}

/** A text in which `${…}` means nothing to YAML, and the way back. */
export interface Masked {
  readonly text: string;
  unmask(text: string): string;
}

const maskBase = 0xe000; // private use area: no meaning to YAML, one UTF-16 unit like the character it stands for

/**
 * Hides the characters of `${…}` that mean something to YAML, so that `{ port: ${PORT:-0} }` is read as it is meant.
 * Every position stays what it was.
 */
export function mask(text: string): Masked {
  if (/[\ue000-\ue07f]/.test(text)) return { text, unmask: (part) => part };
  const masked = text.replace(/\$\{[^{}\n"'\\]*\}/g, (found) =>
    found.replace(/[{}[\],:#&*!|>%@`?]/g, (sign) => String.fromCharCode(maskBase + sign.charCodeAt(0))),
  );
  const unmask = (part: string) =>
    part.replace(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - maskBase));
  return { text: masked, unmask };
}
