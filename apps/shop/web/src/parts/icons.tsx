/** The mark of the shop: a tenon that slides into its mortise. */
export function JointIcon() {
  return (
    <svg class="icon joint" viewBox="0 0 28 24" aria-hidden="true">
      <path d="M1 2h12v7H8v6h5v7H1z" class="joint-a" />
      <path d="M27 2H16v7h-5v6h5v7h11z" class="joint-b" />
    </svg>
  );
}

export function BagIcon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M5 8h14l1 12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z" />
      <path d="M8.500 10.500V7a3.500 3.500 0 0 1 7 0v3.500" />
    </svg>
  );
}

export function SearchIcon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="11" cy="11" r="6.500" />
      <path d="M16 16l4.500 4.500" />
    </svg>
  );
}

export function TickIcon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M5.500 12.500l4.500 4.500 9-10" />
    </svg>
  );
}

export function CrossIcon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M7 7l10 10M17 7L7 17" />
    </svg>
  );
}

export function TraceIcon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 6h12M8 12h8M11 18h9" />
    </svg>
  );
}
