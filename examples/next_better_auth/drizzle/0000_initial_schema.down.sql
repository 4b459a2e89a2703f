-- chatkeep:reverse 3686ee031a0e49c0500f6fa2411d57298eeae498b9e8535be08569d656a4141a
-- Loses data: table public.accounts with its rows.
-- Loses data: table public.places with its rows.
-- Loses data: table public.sessions with its rows.
-- Loses data: table public.users with its rows.
-- Loses data: table public.verifications with its rows.
DROP TABLE "public"."accounts";--> statement-breakpoint
DROP TABLE "public"."places";--> statement-breakpoint
DROP TABLE "public"."sessions";--> statement-breakpoint
DROP TABLE "public"."users";--> statement-breakpoint
DROP TABLE "public"."verifications";