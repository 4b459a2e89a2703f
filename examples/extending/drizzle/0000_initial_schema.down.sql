-- chatkeep:reverse c7a4248247da7daa4a0b51bcd38a8cccc3c44f1580b3b8fa1fe998551cd6dcfe
-- Loses data: table public.travel_account with its rows.
-- Loses data: table public.travel_itinerary with its rows.
-- Loses data: table public.travel_message with its rows.
-- Loses data: table public.travel_chat with its rows.
-- Loses data: table public.travel_search_cache with its rows.
-- Loses data: table public.travel_session with its rows.
-- Loses data: table public.travel_user_settings with its rows.
-- Loses data: table public.travel_user with its rows.
-- Loses data: table public.travel_verification_token with its rows.
DROP TABLE "public"."travel_account";--> statement-breakpoint
DROP TABLE "public"."travel_itinerary";--> statement-breakpoint
DROP TABLE "public"."travel_message";--> statement-breakpoint
DROP TABLE "public"."travel_chat";--> statement-breakpoint
DROP TABLE "public"."travel_search_cache";--> statement-breakpoint
DROP TABLE "public"."travel_session";--> statement-breakpoint
DROP TABLE "public"."travel_user_settings";--> statement-breakpoint
DROP TABLE "public"."travel_user";--> statement-breakpoint
DROP TABLE "public"."travel_verification_token";