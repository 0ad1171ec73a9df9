import {
  brass,
  clay,
  clayDark,
  clayLight,
  cream,
  ink,
  leaf,
  leafDark,
  leafLight,
  steel,
  steelDark,
  steelLight,
  wood,
  woodDark,
  woodLight,
} from "./palette.ts";

export const garden = {
  "long-spout-can": () => (
    <>
      <ellipse cx="120" cy="168" rx="56" ry="6" fill={ink} opacity="0.1" />
      <path d="M86 140 22 62" stroke={leafDark} stroke-width="9" stroke-linecap="round" />
      <path d="M8 66 30 48l6 8-22 18z" fill={leaf} />
      <path d="M60 108 88 96" stroke={leafDark} stroke-width="4" />
      <path d="M96 66c0-40 74-34 70 28" fill="none" stroke={leafDark} stroke-width="7" stroke-linecap="round" />
      <path d="M84 84h78l8 76a8 8 0 0 1-8 8H86a8 8 0 0 1-8-8z" fill={leaf} />
      <path d="M132 84h30l8 76a8 8 0 0 1-8 8h-22z" fill={leafDark} opacity="0.6" />
      <path d="M84 84h78l1 9H83z" fill={leafLight} />
      <path d="M80 134h88v5H79z" fill={leafLight} opacity="0.7" />
      <g fill="#8fb3c4">
        <path d="M10 86c4 6 4 10 0 11s-5-5 0-11zM22 94c4 6 4 10 0 11s-5-5 0-11zM8 110c4 6 4 10 0 11s-5-5 0-11z" />
      </g>
    </>
  ),
  "terracotta-pot": () => (
    <>
      <ellipse cx="100" cy="172" rx="50" ry="5" fill={ink} opacity="0.1" />
      <g>
        <path d="M100 104C92 66 66 54 48 58c2 26 22 46 52 46z" fill={leaf} />
        <path d="M100 104c4-44 32-62 54-56 2 30-20 56-54 56z" fill={leafDark} />
        <path d="M99 104C84 68 88 38 102 22c16 22 14 56-3 82z" fill={leafLight} />
        <path d="M100 104C98 80 99 56 102 34" stroke={leaf} stroke-width="2" fill="none" />
      </g>
      <path d="M58 116h84l-11 50a7 7 0 0 1-7 6H76a7 7 0 0 1-7-6z" fill={clay} />
      <path d="M112 116h30l-11 50a7 7 0 0 1-7 6h-18z" fill={clayDark} opacity="0.6" />
      <path d="M50 98h100v20H50z" fill={clayLight} />
      <path d="M120 98h30v20h-30z" fill={clay} />
      <path d="M72 130l5 32" stroke={cream} stroke-width="4" opacity="0.35" stroke-linecap="round" />
    </>
  ),
  "wren-house": () => (
    <>
      <path d="M96 150h8v40h-8z" fill={woodDark} />
      <path d="M58 82 100 46l42 36v68H58z" fill={woodLight} />
      <path d="M100 46l42 36v68h-42z" fill={wood} opacity="0.55" />
      <g stroke={woodDark} stroke-width="1.600" opacity="0.5">
        <path d="M60 100h80M58 118h84M58 136h84" />
      </g>
      <path d="M44 86 100 36l56 50-7 8-49-43-49 43z" fill={clay} />
      <path d="M100 36l56 50-7 8-49-43z" fill={clayDark} />
      <circle cx="100" cy="98" r="14" fill={ink} />
      <circle cx="100" cy="98" r="14" fill="none" stroke={brass} stroke-width="3" />
      <path d="M100 122v10" stroke={woodDark} stroke-width="5" stroke-linecap="round" />
      <path d="M118 128c8-10 20-8 22 0 6-2 10 0 10 2l-10 2c-4 8-18 8-22-4z" fill={steelDark} />
      <circle cx="138" cy="127" r="1.600" fill={cream} />
    </>
  ),
  "hand-trowel": () => (
    <g transform="rotate(38 100 100)">
      <path d="M78 16h0a14 14 0 0 1 14-10h16a14 14 0 0 1 14 10l-8 64H86z" fill="none" />
      <path d="M90 14a10 10 0 0 1 20 0l3 62H87z" fill={woodDark} />
      <path d="M90 14a10 10 0 0 1 8-9l-2 71h-9z" fill={wood} />
      <path d="M88 70h24v9H88z" fill={brass} />
      <path d="M95 79h10v26H95z" fill={steelDark} />
      <path d="M72 104c8-8 48-8 56 0 2 36-8 66-28 88-20-22-30-52-28-88z" fill={steel} />
      <path d="M100 98c12 0 24 2 28 6 2 36-8 66-28 88z" fill={steelDark} opacity="0.55" />
      <path d="M84 116c0 20 4 36 10 50" stroke={steelLight} stroke-width="5" fill="none" stroke-linecap="round" />
      <g stroke={cream} stroke-width="2" opacity="0.8">
        <path d="M112 124h8M112 138h6M111 152h4" />
      </g>
    </g>
  ),
};
