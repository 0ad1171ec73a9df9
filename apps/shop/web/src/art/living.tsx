import {
  brass,
  clay,
  clayDark,
  cream,
  ink,
  leaf,
  leafDark,
  leafLight,
  paper,
  steel,
  steelLight,
  wood,
  woodDark,
  woodLight,
} from "./palette.ts";

export const living = {
  "three-leg-stool": () => (
    <>
      <ellipse cx="100" cy="170" rx="62" ry="6" fill={ink} opacity="0.1" />
      <path d="M66 82h13l-18 88H50z" fill={woodDark} />
      <path d="M134 82h-13l18 88h11z" fill={woodDark} />
      <path d="M94 84h13l-2 80H96z" fill={wood} />
      <ellipse cx="100" cy="80" rx="64" ry="19" fill={woodDark} />
      <ellipse cx="100" cy="73" rx="64" ry="19" fill={woodLight} />
      <g fill={woodDark}>
        <ellipse cx="70" cy="70" rx="8" ry="3.6" />
        <ellipse cx="130" cy="70" rx="8" ry="3.6" />
        <ellipse cx="100" cy="82" rx="8" ry="3.6" />
      </g>
      <g stroke={clay} stroke-width="2">
        <path d="M70 66.500v7M130 66.500v7M100 78.500v7" />
      </g>
      <path d="M50 66c16-8 40-10 60-9" fill="none" stroke={wood} stroke-width="2" />
    </>
  ),
  "field-blanket": () => (
    <>
      <path d="M34 168h136v6H34z" fill={ink} opacity="0.1" />
      {[
        { y: 132, a: leafDark, b: leafLight },
        { y: 98, a: leaf, b: cream },
        { y: 64, a: leafDark, b: leafLight },
      ].map(({ y, a, b }) => (
        <g key={y}>
          <rect x="32" y={y} width="136" height="36" rx="16" fill={a} />
          <path d={`M60 ${y}h12v36H60zM84 ${y}h5v36h-5zM118 ${y}h12v36h-12z`} fill={b} opacity="0.75" />
          <path d={`M46 ${y + 31}h108`} stroke={ink} stroke-width="2" opacity="0.12" />
        </g>
      ))}
      <g stroke={leafLight} stroke-width="3" stroke-linecap="round">
        {Array.from({ length: 12 }, (_, index) => (
          <path key={index} d={`M${46 + index * 10} 64l-2 -11`} />
        ))}
      </g>
    </>
  ),
  "stone-vase": () => (
    <>
      <ellipse cx="102" cy="170" rx="46" ry="6" fill={ink} opacity="0.1" />
      <g fill="none" stroke={woodDark} stroke-width="4" stroke-linecap="round">
        <path d="M100 104C98 74 112 52 136 30M106 76c-12-12-22-16-34-18" />
      </g>
      <g fill={leaf}>
        <path d="M136 30c14-10 24-4 22 6-10 6-20 2-22-6z" />
        <path d="M124 44c2-16 12-20 20-14 0 10-10 16-20 14z" fill={leafDark} />
        <path d="M116 56c14-2 22 4 20 14-10 2-20-4-20-14z" fill={leafLight} />
        <path d="M72 58c-12-6-14-16-6-20 8 4 12 12 6 20z" fill={leafDark} />
        <path d="M90 66c-16 4-22 12-18 18 10 2 18-6 18-18z" />
      </g>
      <path d="M84 102h34c4 0 4 6 0 8 30 10 36 56-17 58-52-2-46-48-17-58-4-2-4-8 0-8z" fill={steel} />
      <path d="M112 110c36 6 44 56-11 58 34-10 34-44 11-58z" fill="#7b888d" />
      <path d="M68 136c4-12 10-16 16-18" stroke={steelLight} stroke-width="5" fill="none" stroke-linecap="round" />
      <ellipse cx="101" cy="103" rx="18" ry="4" fill={ink} opacity="0.45" />
    </>
  ),
  "ledge-shelf": () => (
    <>
      <path d="M28 138h148v10H28z" fill={ink} opacity="0.1" />
      <path d="M22 122h156v14H22z" fill={wood} />
      <path d="M22 122h156v5H22z" fill={woodLight} />
      <path d="M70 136h14l-3 12h-8zM118 136h14l-3 12h-8z" fill={woodDark} />
      <path d="M40 66h14v56H40z" fill={clay} />
      <path d="M55 58h11v64H55z" fill={leafDark} />
      <path d="M67 72h16v50H67z" fill={cream} />
      <path d="M67 80h16v5H67z" fill={brass} />
      <path d="M86 122 98 70l12 3-11 49z" fill={steel} />
      <path d="M126 96h34l-5 26h-24z" fill={clayDark} />
      <path d="M123 90h40v8h-40z" fill={clay} />
      <path d="M143 90c-2-22-14-26-20-24 0 12 8 20 20 24zM144 90c0-26 12-34 20-32 2 14-6 26-20 32z" fill={leaf} />
      <path d="M143 90c-8-24-2-38 4-42 8 12 6 30-4 42z" fill={leafLight} />
      <path d="M43 74h8v3h-8z" fill={paper} />
    </>
  ),
};
