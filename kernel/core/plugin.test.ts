import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { every, live, type Need, named, optional } from "./needs.ts";
import { definePlugin } from "./plugin.ts";
import { defineSpi } from "./spi.ts";

const clock = defineSpi<{ now(): number }>("clock", { kind: "one" });
const mark = defineSpi<string>("mark", { kind: "named" });

describe("declaring a plugin", () => {
  const declare =
    (name: string, needs: Readonly<Record<string, Need>> = {}) =>
    () =>
      definePlugin({ spi: mark, name, description: "", needs, setup: () => ({ api: "" }) });

  it("takes names in kebab-case only, and not `default`", () => {
    assert.equal(declare("smooth-2")().id, "mark/smooth-2");
    for (const wrong of ["", "Smooth", "a_b", "a/b", "-a", "a--b"])
      assert.throws(declare(wrong), /^TypeError: plugin mark\/.*: the name must be kebab-case$/);
    assert.throws(declare("default"), /has a meaning in lists/);
  });

  it("recognises a need or an SPI that a circle of imports left undefined", () => {
    assert.throws(
      declare("x", { clock: undefined as never }),
      /plugin mark\/x: need "clock" is neither an SPI nor made by .*import each other/,
    );
    const lost = undefined as never;
    assert.throws(
      () => definePlugin({ spi: lost, name: "x", description: "", setup: () => ({ api: 1 }) }),
      /plugin x: spi must be made by defineSpi/,
    );
  });

  it("is checked by the types", () => {
    definePlugin({
      spi: clock,
      name: "x",
      description: "",
      options: z.object({ step: z.number().default(1) }),
      needs: { mark, marks: every(mark), maybe: optional(mark), one: named(mark, "one"), now: live(mark) },
      setup({ deps, options }) {
        const one: string = deps.mark + deps.one + deps.now.current;
        const all: ReadonlyMap<string, string> = deps.marks;
        const maybe: string | undefined = deps.maybe;
        const step: number = options.step;
        // @ts-expect-error not asked for
        void deps.clock;
        // @ts-expect-error no such option
        void options.stride;
        // @ts-expect-error it may be lacking
        void deps.maybe.length;
        // @ts-expect-error what is given is not changed
        deps.mark = "";
        return { api: { now: () => one.length + all.size + (maybe?.length ?? 0) + step } };
      },
    });
    definePlugin({
      spi: clock,
      name: "y",
      description: "",
      // @ts-expect-error the contract wants a number
      setup: () => ({ api: { now: () => "late" } }),
    });
    definePlugin({
      spi: clock,
      name: "z",
      description: "",
      wraps: true,
      order: 1,
      setup: ({ inner }) => ({ api: { now: () => inner.now() + 1 } }),
    });
    definePlugin({
      spi: clock,
      name: "w",
      description: "",
      needs: { now: live(mark) },
      setup: () => ({ api: { now: () => 0 }, follow: (next) => void (next.now.current satisfies string) as undefined }),
    });
  });
});
