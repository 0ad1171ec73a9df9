import { brass, clay, cream, ink, paper, steel, steelDark, steelLight, wood, woodDark, woodLight } from "./palette.ts";

export const workshop = {
  "smoothing-plane": () => (
    <>
      <path d="M20 152h160v6H20z" fill={ink} opacity="0.1" />
      <path
        d="M88 110c-10-44 30-66 48-50 14 14-4 34-20 28-12-6-4-20 6-16"
        fill="none"
        stroke={woodLight}
        stroke-width="5"
      />
      <path d="M20 138h158c4 0 6 6 4 12H18c-2-6-2-12 2-12z" fill={steelDark} />
      <path d="M26 126h148v12H26z" fill={steel} />
      <path d="M26 126h148v4H26z" fill={steelLight} />
      <path d="M92 138 126 84l10 5-24 49z" fill={steelLight} />
      <path d="M100 138 130 90l6 3-22 45z" fill={ink} opacity="0.5" />
      <circle cx="118" cy="108" r="6" fill={brass} />
      <path d="M132 126c4-12 2-26 10-40 6-8 18-4 16 4-4 12-2 22 6 36z" fill={woodDark} />
      <path d="M138 126c4-12 4-24 10-36" stroke={wood} stroke-width="4" fill="none" />
      <path d="M46 126c-2-10 2-14 4-18a13 13 0 1 1 20 0c2 4 6 8 4 18z" fill={wood} />
      <circle cx="60" cy="98" r="8" fill={woodLight} />
    </>
  ),
  "chisel-set": () => (
    <>
      <path d="M26 92h148v76H26z" fill={ink} opacity="0.08" />
      <path d="M24 86h152v78a6 6 0 0 1-6 6H30a6 6 0 0 1-6-6z" fill="#7d8a6c" />
      <path d="M24 110h152v54a6 6 0 0 1-6 6H30a6 6 0 0 1-6-6z" fill="#66735a" />
      <g stroke="#8f9c7d" stroke-width="1.600" stroke-dasharray="4 3">
        <path d="M60 112v56M100 112v56M140 112v56M26 114h148" />
      </g>
      {[34, 73, 112, 150].map((x, index) => (
        <g key={x}>
          <path d={`M${x - 2} ${34 + index * 3}h20l-2 44h-16z`} fill={index % 2 ? wood : woodLight} />
          <path d={`M${x + 9} ${34 + index * 3}h9l-2 44h-7z`} fill={woodDark} opacity="0.5" />
          <path d={`M${x} ${76 + index * 3}h16v7h-16z`} fill={brass} />
          <path
            d={`M${x + 5 - index} ${83 + index * 3}h${6 + index * 2}v${27 - index * 3}h-${6 + index * 2}z`}
            fill={steelLight}
          />
        </g>
      ))}
      <path d="M24 134h152v5H24z" fill={clay} />
    </>
  ),
  "beech-mallet": () => (
    <g transform="rotate(28 100 100)">
      <path d="M92 78h17v104a8 8 0 0 1-17 0z" fill={woodDark} />
      <path d="M92 78h7v110a8 8 0 0 1-7-6z" fill={wood} />
      <path d="M46 32h108l8 52H38z" fill={wood} />
      <path d="M46 32h108l2 14H44z" fill={woodLight} />
      <path d="M38 84l4-26 14 2-4 24zM162 84l-4-26-14 2 4 24z" fill={woodDark} opacity="0.55" />
      <path d="M88 26h25l-3 6H91z" fill={woodDark} />
      <path d="M64 60c20-6 48-6 72 0" stroke={woodDark} stroke-width="1.600" fill="none" opacity="0.6" />
      <path d="M60 70c24-6 54-6 80 0" stroke={woodDark} stroke-width="1.600" fill="none" opacity="0.6" />
    </g>
  ),
  "work-bench": () => (
    <>
      <path d="M20 166h164v6H20z" fill={ink} opacity="0.1" />
      <path d="M36 92h18v76H36zM146 92h18v76h-18z" fill={wood} />
      <path d="M48 92h6v76h-6zM158 92h6v76h-6z" fill={woodDark} />
      <path d="M54 134h92v12H54z" fill={wood} />
      <path d="M54 142h92v4H54z" fill={woodDark} />
      <path d="M16 72h170v22H16z" fill={woodLight} />
      <path d="M16 86h170v8H16z" fill={wood} />
      <g fill={ink} opacity="0.55">
        <circle cx="66" cy="78" r="2.600" />
        <circle cx="86" cy="78" r="2.600" />
        <circle cx="106" cy="78" r="2.600" />
        <circle cx="126" cy="78" r="2.600" />
      </g>
      <path d="M8 74h10v44H8z" fill={woodDark} />
      <path d="M2 96h12v5H2z" fill={steel} />
      <path d="M4 86v25" stroke={brass} stroke-width="4" stroke-linecap="round" />
      <path d="M116 72V58h34v14z" fill={clay} />
      <path d="M120 62h26v3h-26z" fill={paper} />
      <path d="M66 72l6-22 8 2-5 20z" fill={steelLight} />
      <path d="M71 53l5-21 10 3-6 20z" fill={cream} />
      <path d="M54 112h4M54 118h4M142 112h4M142 118h4" stroke={clay} stroke-width="3" />
    </>
  ),
};
