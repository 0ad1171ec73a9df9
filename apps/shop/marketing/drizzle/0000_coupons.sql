CREATE TABLE "redemptions" (
	"user_id" text NOT NULL,
	"code" text NOT NULL,
	"order_id" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "redemptions_user_id_code_pk" PRIMARY KEY("user_id","code")
);
--> statement-breakpoint
CREATE INDEX "redemptions_order" ON "redemptions" USING btree ("order_id");