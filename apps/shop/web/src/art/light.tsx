import { brass, cream, flame, glow, ink, paper, steel, steelDark, wood, woodDark, woodLight } from "./palette.ts";

export const light = {
  "halo-lamp": () => (
    <>
      <circle cx="100" cy="80" r="76" fill={glow} opacity="0.22" />
      <circle cx="100" cy="80" r="47" fill="none" stroke={wood} stroke-width="15" />
      <circle cx="100" cy="80" r="41" fill="none" stroke={cream} stroke-width="5" />
      <path d="M94 126h12v26H94z" fill={woodDark} />
      <path d="M66 152h68a8 8 0 0 1 8 8v4H58v-4a8 8 0 0 1 8-8z" fill={wood} />
      <path d="M58 160h84v4H58z" fill={woodDark} />
    </>
  ),
  "kumiko-lantern": () => (
    <>
      <circle cx="100" cy="102" r="74" fill={glow} opacity="0.22" />
      <path d="M82 40a18 18 0 0 1 36 0" fill="none" stroke={ink} stroke-width="3" />
      <path d="M62 54h76v102H62z" fill={cream} />
      <path d="M62 54h76v102H62z" fill={glow} opacity="0.45" />
      <g stroke={wood} stroke-width="2.4" fill="none">
        <path d="M87 54v102M113 54v102M62 88h76M62 122h76" />
        <path d="M62 54l25 34-25 34 25 34M87 54 62 88l25 34-25 34M113 54l25 34-25 34 25 34M138 54l-25 34 25 34-25 34" />
        <path d="M87 54l26 34-26 34 26 34M113 54 87 88l26 34-26 34" />
      </g>
      <path d="M62 54h76v102H62z" fill="none" stroke={woodDark} stroke-width="6" />
      <path d="M52 42h96v12H52zM52 156h96v11H52z" fill={woodDark} />
      <path d="M52 42h96v4H52zM52 156h96v4H52z" fill={wood} />
    </>
  ),
  "beeswax-trio": () => (
    <>
      <circle cx="100" cy="56" r="62" fill={glow} opacity="0.2" />
      {[
        { x: 50, y: 96 },
        { x: 87, y: 66 },
        { x: 124, y: 112 },
      ].map(({ x, y }) => (
        <g key={x}>
          <path d={`M${x} ${y + 5}a13 5 0 0 1 26 0v${154 - y}h-26z`} fill="#e5ac45" />
          <path d={`M${x + 17} ${y + 9}h9v${150 - y}h-9z`} fill="#cf9434" opacity="0.6" />
          <ellipse cx={x + 13} cy={y + 5} rx="13" ry="5" fill="#f2c772" />
          <path d={`M${x + 13} ${y + 4}v-9`} stroke={ink} stroke-width="2" />
          <path d={`M${x + 13} ${y - 32}c9 12 8 25 0 27c-8-2-9-15 0-27z`} fill={flame} />
          <path d={`M${x + 13} ${y - 20}c4 6 4 12 0 14c-4-2-4-8 0-14z`} fill={cream} />
        </g>
      ))}
      <path d="M38 159h124v7H38z" fill={woodDark} />
    </>
  ),
  "crane-light": () => (
    <>
      <path d="M128 76 178 160H72z" fill={glow} opacity="0.3" />
      <ellipse cx="66" cy="162" rx="34" ry="7" fill={steelDark} />
      <path d="M62 160 54 66" stroke={ink} stroke-width="5" stroke-linecap="round" />
      <path d="M30 88 128 48" stroke={ink} stroke-width="5" stroke-linecap="round" />
      <circle cx="34" cy="86" r="11" fill={brass} />
      <circle cx="54" cy="78" r="5" fill={steel} />
      <path d="M104 84a28 28 0 0 1 52-22z" fill={woodLight} />
      <path d="M104 84a28 28 0 0 1 10-30l12-7z" fill={wood} />
      <path d="M104 84l52-22" stroke={paper} stroke-width="4" />
    </>
  ),
};
