import {
  clay,
  clayDark,
  cream,
  ink,
  paper,
  steel,
  steelDark,
  steelLight,
  wood,
  woodDark,
  woodLight,
} from "./palette.ts";

const tones = [woodLight, wood, woodDark, wood, woodDark, woodLight];

export const kitchen = {
  "brew-kettle": () => (
    <>
      <path d="M126 92c24 2 22 44 44 40" fill="none" stroke={steelDark} stroke-width="0" />
      <path d="M62 122C34 124 46 74 22 70" fill="none" stroke={steelDark} stroke-width="9" stroke-linecap="round" />
      <path d="M66 82h68l14 72a10 10 0 0 1-10 12H62a10 10 0 0 1-10-12z" fill={steel} />
      <path d="M108 82h26l14 72a10 10 0 0 1-10 12h-20z" fill={steelDark} opacity="0.55" />
      <path d="M74 92h10l-6 62h-9z" fill={steelLight} opacity="0.8" />
      <path d="M134 88c46-6 48 56 8 60" fill="none" stroke={ink} stroke-width="8" stroke-linecap="round" />
      <path d="M62 76h76v8H62z" fill={steelDark} />
      <path d="M72 76a28 14 0 0 1 56 0z" fill={steelLight} />
      <circle cx="100" cy="56" r="7" fill={wood} />
    </>
  ),
  "two-cups": () => (
    <>
      <ellipse cx="100" cy="162" rx="74" ry="6" fill={ink} opacity="0.1" />
      {[
        { x: 34, y: 92, glaze: "#7f95a0" },
        { x: 104, y: 76, glaze: cream },
      ].map(({ x, y, glaze }) => (
        <g key={x}>
          <path d={`M${x} ${y}h62v${138 - y}a24 24 0 0 1-24 24h-14a24 24 0 0 1-24-24z`} fill="#c9a582" />
          <path d={`M${x + 44} ${y}h18v${138 - y}a24 24 0 0 1-24 24h-4c8-6 10-16 10-28z`} fill="#b08a66" />
          <path d={`M${x} ${y}h62v26c-10 8-18 0-28 4s-20 6-34-2z`} fill={glaze} />
          <ellipse cx={x + 31} cy={y} rx="31" ry="7" fill={glaze} />
          <ellipse cx={x + 31} cy={y} rx="26" ry="5" fill={ink} opacity="0.28" />
        </g>
      ))}
    </>
  ),
  "end-grain-board": () => (
    <g transform="rotate(-9 100 100)">
      <rect x="34" y="52" width="132" height="104" rx="10" fill={ink} opacity="0.12" />
      <rect x="32" y="46" width="136" height="104" rx="10" fill={woodDark} />
      {Array.from({ length: 6 }, (_, row) =>
        Array.from({ length: 8 }, (_, column) => (
          <rect
            key={`${row}/${column}`}
            x={36 + column * 16}
            y={50 + row * 16}
            width="15.2"
            height="15.2"
            rx="1.5"
            fill={tones[(row * 3 + column * 2 + (row % 2)) % tones.length]}
          />
        )),
      )}
      <circle cx="152" cy="64" r="5" fill={paper} />
    </g>
  ),
  "petty-knife": () => (
    <g transform="rotate(-34 100 100)">
      <path d="M84 92h96c8 0 12 3 10 5-12 12-46 20-106 20z" fill={steelLight} />
      <path d="M84 108c50 0 84-4 104-10l2-1c-12 12-46 20-106 20z" fill={steel} />
      <path d="M78 90h8v29h-8z" fill={steelDark} />
      <path d="M8 98a8 8 0 0 1 8-8h62v26l-62 2a9 9 0 0 1-8-8z" fill={woodDark} />
      <path d="M8 98a8 8 0 0 1 8-8h62v9z" fill={wood} />
      <circle cx="30" cy="104" r="3" fill={clay} />
      <circle cx="58" cy="104" r="3" fill={clayDark} />
    </g>
  ),
};
