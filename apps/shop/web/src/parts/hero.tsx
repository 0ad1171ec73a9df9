import { Art } from "../art/art.tsx";

/** What greets a visitor: what this shop is about, and a few things from it. */
export function Hero() {
  return (
    <section class="hero">
      <div class="wide hero-row">
        <div class="hero-text">
          <p class="eyebrow">Home, desk, workshop</p>
          <h1>
            Things that <em>fit.</em>
          </h1>
          <p>
            Well made, few in number, and joined so that nothing has to be hidden. Every new wallet opens with €500 to
            try it out.
          </p>
        </div>
        <div class="hero-art" aria-hidden="true">
          <Art image="kumiko-lantern" />
          <Art image="three-leg-stool" />
          <Art image="stone-vase" />
          <Art image="two-cups" />
          <Art image="smoothing-plane" />
        </div>
      </div>
    </section>
  );
}
