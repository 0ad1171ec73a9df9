CREATE TABLE "points" (
	"order_id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"points" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "wallets" ADD COLUMN "held_cents" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "points_user" ON "points" USING btree ("user_id");--> statement-breakpoint
ALTER TABLE "wallets" ADD CONSTRAINT "wallets_hold_what_is_held" CHECK ("wallets"."held_cents" >= 0 and "wallets"."held_cents" <= "wallets"."balance_cents");