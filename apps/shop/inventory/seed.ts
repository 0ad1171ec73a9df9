/** One product of the demonstration catalogue. */
export interface SeedProduct {
  readonly sku: string;
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly category: string;
  readonly priceCents: bigint;
  readonly onHand: number;
}

type Row = readonly [sku: string, name: string, cents: bigint, onHand: number, summary: string, description: string];

const byCategory: Readonly<Record<string, readonly Row[]>> = {
  Light: [
    [
      "halo-lamp",
      "Halo table lamp",
      8900n,
      40,
      "A ring of warm light on an ash foot",
      "The ring is turned from one piece of ash and holds a strip that dims with a touch. It lights a page, not the room.",
    ],
    [
      "kumiko-lantern",
      "Kumiko lantern",
      12900n,
      3,
      "Lattice in cedar, paper inside",
      "Forty-eight slats, no nail. Each lantern takes two days of cutting, so there are never many of them.",
    ],
    [
      "beeswax-trio",
      "Beeswax trio",
      2400n,
      120,
      "Three candles, nine hours each",
      "Poured from the wax of one valley. They smell of nothing but honey, and only when they are lit.",
    ],
    [
      "crane-light",
      "Crane reading light",
      7400n,
      35,
      "Stands where you point it",
      "Two arms, a counterweight and no spring: it stays where it is put and can be moved with one finger.",
    ],
  ],
  Kitchen: [
    [
      "brew-kettle",
      "Brew kettle",
      6900n,
      60,
      "A slow, thin pour",
      "The gooseneck makes a stream as thin as a pencil. The lid stays on when the kettle is empty, too.",
    ],
    [
      "two-cups",
      "Two cups",
      2800n,
      150,
      "Stoneware, glazed where you drink",
      "Left bare outside so that they are not slippery, glazed inside so that they are quick to rinse.",
    ],
    [
      "end-grain-board",
      "End-grain board",
      4900n,
      45,
      "Kind to knives",
      "Walnut blocks set on end: the blade goes between the fibres and the cut closes again.",
    ],
    [
      "petty-knife",
      "Petty knife",
      8400n,
      30,
      "The small one you always reach for",
      "Fifteen centimetres of carbon steel in a handle of smoked oak. Dry it after use and it will outlast you.",
    ],
  ],
  Desk: [
    [
      "grid-notebook",
      "Grid notebook",
      1600n,
      300,
      "Opens flat, stays flat",
      "Sewn, not glued, with a grid just dark enough to follow and light enough to forget.",
    ],
    [
      "pencil-tray",
      "Pencil tray",
      3200n,
      80,
      "One board, four grooves",
      "Milled from a single board of maple. The grooves hold pencils, the edge holds a phone.",
    ],
    [
      "noon-clock",
      "Noon clock",
      5900n,
      50,
      "No numbers, no ticking",
      "A dial with one mark. After a day you read it without thinking; after a week you stop looking.",
    ],
    [
      "brass-pen",
      "Slim brass pen",
      3900n,
      90,
      "Gets better with the hand",
      "Solid brass without lacquer. It darkens where you hold it and stays bright where you do not.",
    ],
  ],
  Living: [
    [
      "three-leg-stool",
      "Three-leg stool",
      14900n,
      25,
      "Stands on any floor",
      "Three legs never wobble. Wedged tenons hold them, and the wedges show on the seat.",
    ],
    [
      "field-blanket",
      "Field blanket",
      9800n,
      55,
      "Wool in two greens",
      "Woven on an old loom at the pace of an old loom. Warm, a little heavy, good for forty winters.",
    ],
    [
      "stone-vase",
      "Stone vase",
      4500n,
      70,
      "For one branch",
      "Cast around a river stone that was taken out again. Holds water, and one branch at a time.",
    ],
    [
      "ledge-shelf",
      "Ledge shelf",
      7900n,
      40,
      "A shelf without brackets",
      "Hangs on a dovetailed rail that stays out of sight. Carries twelve kilograms and a lot of looks.",
    ],
  ],
  Workshop: [
    [
      "smoothing-plane",
      "Smoothing plane",
      16400n,
      20,
      "Shavings you can read through",
      "Cast iron, a blade of five millimetres and a mouth that can be closed to a hair.",
    ],
    [
      "chisel-set",
      "Chisel set",
      11200n,
      28,
      "Four widths, one roll",
      "Six, twelve, eighteen and twenty-five millimetres, ground and honed. They arrive sharp.",
    ],
    [
      "beech-mallet",
      "Beech mallet",
      4200n,
      65,
      "The head tightens as you work",
      "The mortise through the head is tapered, so every blow seats it more firmly on the handle.",
    ],
    [
      "work-bench",
      "Work bench",
      129000n,
      2,
      "The last bench you buy",
      "Ninety kilograms of beech with two vices and drawbored joints. Comes in four parts and with a drawing.",
    ],
  ],
  Garden: [
    [
      "long-spout-can",
      "Long-spout can",
      4400n,
      48,
      "Reaches the back row",
      "Balanced so that it pours when you tip your wrist and stops when you stop.",
    ],
    [
      "terracotta-pot",
      "Terracotta pot",
      1900n,
      200,
      "Breathes, like roots",
      "Fired low and left unglazed. White bloom on the outside means it is doing its work.",
    ],
    [
      "wren-house",
      "Wren house",
      3800n,
      0,
      "One room, south-east view",
      "Larch, a door of thirty-two millimetres and a roof that lifts off for cleaning in autumn.",
    ],
    [
      "hand-trowel",
      "Hand trowel",
      2600n,
      85,
      "Forged in one piece",
      "No rivet, no weld, nothing to come loose. The depth marks are filed in by hand.",
    ],
  ],
};

/** The demonstration catalogue: 24 products, one of them sold out, two of them rare, one beyond a new wallet. */
export const seedProducts: readonly SeedProduct[] = Object.entries(byCategory).flatMap(([category, rows]) =>
  rows.map(([sku, name, priceCents, onHand, summary, description]) => ({
    sku,
    name,
    summary,
    description,
    category,
    priceCents,
    onHand,
  })),
);
