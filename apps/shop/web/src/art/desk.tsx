import {
  brass,
  brassLight,
  clay,
  cream,
  ink,
  leaf,
  leafDark,
  paper,
  steel,
  steelDark,
  wood,
  woodDark,
  woodLight,
} from "./palette.ts";

export const desk = {
  "grid-notebook": () => (
    <g transform="rotate(-7 100 100)">
      <rect x="52" y="42" width="104" height="132" rx="6" fill={ink} opacity="0.12" />
      <rect x="46" y="36" width="104" height="132" rx="6" fill={leafDark} />
      <path d="M46 42a6 6 0 0 1 6-6h12v132H52a6 6 0 0 1-6-6z" fill="#3a5340" />
      <rect x="80" y="62" width="52" height="34" rx="3" fill={cream} />
      <g stroke={leaf} stroke-width="1.2" opacity="0.7">
        <path d="M90 62v34M100 62v34M111 62v34M122 62v34M80 71h52M80 79h52M80 88h52" />
      </g>
      <path d="M134 36h5v132h-5z" fill={clay} />
      <path d="M70 168h6v18l-3-4-3 4z" fill={clay} />
    </g>
  ),
  "pencil-tray": () => (
    <>
      <path d="M26 118 150 72l26 34L52 158z" fill={ink} opacity="0.1" />
      <path d="M22 108 148 62l28 36L50 148z" fill={woodLight} />
      <path d="M22 108l28 40v10L22 118z" fill={woodDark} />
      <path d="M50 148 176 98v10L50 158z" fill={wood} />
      <g stroke={wood} stroke-width="6" stroke-linecap="round">
        <path d="M42 108 144 70M50 118 151 80M57 128 158 90M64 138 165 99" />
      </g>
      <g stroke-width="5" stroke-linecap="round">
        <path d="M52 104 132 74" stroke={clay} />
        <path d="M132 74l10-4" stroke={cream} />
        <path d="M70 123 146 94" stroke={leafDark} />
        <path d="M146 94l8-3" stroke={cream} />
        <path d="M80 132 120 116" stroke={brass} />
      </g>
    </>
  ),
  "noon-clock": () => (
    <>
      <circle cx="104" cy="106" r="66" fill={ink} opacity="0.1" />
      <circle cx="100" cy="100" r="66" fill={wood} />
      <circle cx="100" cy="100" r="57" fill={cream} />
      <path d="M100 43a57 57 0 0 1 0 114z" fill={paper} opacity="0.5" />
      <path d="M96.5 48h7v16h-7z" fill={clay} />
      <path d="M100 100 130 82" stroke={ink} stroke-width="6" stroke-linecap="round" />
      <path d="M100 100 84 138" stroke={ink} stroke-width="4" stroke-linecap="round" />
      <circle cx="100" cy="100" r="6" fill={brass} />
    </>
  ),
  "brass-pen": () => (
    <g transform="rotate(40 100 100)">
      <path d="M24 104h152v6H24z" fill={ink} opacity="0.08" />
      <path d="M30 92h118v18H30a9 9 0 0 1 0-18z" fill={brass} />
      <path d="M30 92h118v6H24a9 9 0 0 1 6-6z" fill={brassLight} />
      <path d="M148 92l28 9-28 9z" fill={woodDark} />
      <path d="M148 92l28 9h-28z" fill={brassLight} />
      <path d="M172 99.6l10 1.4-10 1.4z" fill={ink} />
      <path d="M34 88h46v5H34z" fill={steel} />
      <path d="M34 88h8v10h-8z" fill={steelDark} />
      <path d="M92 92h3v18h-3zM140 92h3v18h-3z" fill={woodDark} opacity="0.7" />
      <path d="M98 110h40v-3H98z" fill={woodLight} opacity="0.6" />
    </g>
  ),
};
