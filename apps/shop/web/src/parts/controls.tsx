import type { JSX } from "preact";
import type { Refused } from "../api.ts";

interface StepperProps {
  readonly label: string;
  readonly value: number;
  readonly min?: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}

/** Less, how many, more. */
export function Stepper({ label, value, min = 1, max, onChange }: StepperProps) {
  return (
    <fieldset class="stepper">
      <legend class="unseen">{label}</legend>
      <button type="button" aria-label="One less" disabled={value <= min} onClick={() => onChange(value - 1)}>
        −
      </button>
      <output aria-live="polite">{value}</output>
      <button type="button" aria-label="One more" disabled={value >= max} onClick={() => onChange(value + 1)}>
        +
      </button>
    </fieldset>
  );
}

type FieldProps = JSX.IntrinsicElements["input"] & {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
};

/** An input with its label and what is wrong with it. */
export function Field({ name, label, hint, error, ...input }: FieldProps) {
  const told = error ? `${name}-error` : hint ? `${name}-hint` : undefined;
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input {...input} id={name} name={name} aria-invalid={error ? "true" : undefined} aria-describedby={told} />
      {error ? (
        <p class="field-error" id={`${name}-error`}>
          {error}
        </p>
      ) : (
        hint && (
          <p class="field-hint" id={`${name}-hint`}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}

/** Says what went wrong, where nothing closer to it does. */
export function Trouble({ error }: { readonly error: Refused | undefined }) {
  if (!error) return null;
  return (
    <div class="trouble" role="alert">
      <p>{error.message}</p>
      {error.traceId && (
        <p class="trouble-trace">
          <a href={`/traces/${error.traceId}`}>See what happened</a>
        </p>
      )}
    </div>
  );
}

/** Holds the place of something that is loading. */
export function Skeleton({ class: name }: { readonly class: string }) {
  return <div class={`skeleton ${name}`} aria-hidden="true" />;
}
