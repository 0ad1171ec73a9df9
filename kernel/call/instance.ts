/** One running copy of a service that can be called over one protocol. Never changes; a changed one is a new object. */
export interface Instance {
  /** Unique among all instances: one per process, protocol and service. */
  readonly id: string;
  /** Fully qualified service name. */
  readonly service: string;
  /** How the protocol reaches it, for example `127.0.0.1:50051`. */
  readonly address: string;
  readonly protocol: string;
  /** Serializers it understands, best first. */
  readonly serializers: readonly string[];
  /** Share of calls relative to the others. Default 100 (Dubbo's default); 0 takes none. */
  readonly weight: number;
  readonly zone: string;
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  /** When it began to serve, in wall milliseconds; 0 when unknown, then it is not warmed up. */
  readonly startedAt: number;
}
