import type { ComponentChildren } from "preact";
import { type Account, post } from "../api.ts";
import { Art } from "../art/art.tsx";
import { type Doing, useDoing, useTitle } from "../hooks.ts";
import { Field, Trouble } from "../parts/controls.tsx";
import { Link, place } from "../router.tsx";
import { nextOf, welcome } from "../session.ts";

/** Sends a form to the shop and goes on as the account it answers with. */
function useEntering(path: string): { readonly doing: Doing; readonly submit: (event: SubmitEvent) => void } {
  let body: Readonly<Record<string, unknown>> = {};
  const next = nextOf(place.value.query);
  const doing = useDoing(async () => welcome(await post<Account>(path, body), next));
  return {
    doing,
    submit: (event) => {
      event.preventDefault();
      body = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement));
      void doing.run();
    },
  };
}

export function LoginPage() {
  useTitle("Log in");
  const { doing, submit } = useEntering("/login");
  const next = encodeURIComponent(nextOf(place.value.query));
  return (
    <Entrance title="Good to see you" image="crane-light">
      <form class="form" onSubmit={submit} noValidate>
        <Field name="email" label="E-mail" type="email" autoComplete="email" error={doing.error?.fields.email} />
        <Field
          name="password"
          label="Password"
          type="password"
          autoComplete="current-password"
          error={doing.error?.fields.password}
        />
        <OtherTrouble doing={doing} />
        <button type="submit" class="button button-wide" disabled={doing.busy}>
          Log in
        </button>
      </form>
      <p class="aside">
        New here? <Link to={`/register?next=${next}`}>Open an account</Link>
      </p>
    </Entrance>
  );
}

export function RegisterPage() {
  useTitle("Open an account");
  const { doing, submit } = useEntering("/register");
  const next = encodeURIComponent(nextOf(place.value.query));
  const fields = doing.error?.fields ?? {};
  return (
    <Entrance title="Open an account" image="kumiko-lantern">
      <form class="form" onSubmit={submit} noValidate>
        <Field name="name" label="Name" autoComplete="name" error={fields.name} />
        <Field name="email" label="E-mail" type="email" autoComplete="email" error={fields.email} />
        <Field
          name="password"
          label="Password"
          type="password"
          autoComplete="new-password"
          hint="At least 8 characters."
          error={fields.password}
        />
        <OtherTrouble doing={doing} />
        <button type="submit" class="button button-wide" disabled={doing.busy}>
          Open the account
        </button>
      </form>
      <p class="aside">
        Been here before? <Link to={`/login?next=${next}`}>Log in</Link>
      </p>
    </Entrance>
  );
}

/** What went wrong and is not said at one of the fields. */
function OtherTrouble({ doing }: { readonly doing: Doing }) {
  const { error } = doing;
  return error && Object.keys(error.fields).length === 0 ? <Trouble error={error} /> : null;
}

interface EntranceProps {
  readonly title: string;
  readonly image: string;
  readonly children: ComponentChildren;
}

function Entrance({ title, image, children }: EntranceProps) {
  return (
    <div class="wide entrance">
      <div class="entrance-form">
        <h1 class="page-title">{title}</h1>
        {children}
      </div>
      <Art image={image} class="entrance-art" />
    </div>
  );
}
