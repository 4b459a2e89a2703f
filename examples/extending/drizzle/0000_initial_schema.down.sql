-- chatkeep:reverse 4d32eab616e239a24670d46a2e6acc12569f901d883131e3bb9e1cbf893d98b8
-- Loses data: table public.travel_account with its rows.
-- Loses data: table public.travel_chat_share with its rows.
-- Loses data: table public.travel_itinerary with its rows.
-- Loses data: table public.travel_message_chunk with its rows.
-- Loses data: table public.travel_message_feedback with its rows.
-- Loses data: table public.travel_message_usage with its rows.
-- Loses data: table public.travel_running_answer with its rows.
-- Loses data: table public.travel_message with its rows.
-- Loses data: table public.travel_chat with its rows.
-- Loses data: table public.travel_search_cache with its rows.
-- Loses data: table public.travel_search_day with its rows.
-- Loses data: table public.travel_search_event with its rows.
-- Loses data: table public.travel_session with its rows.
-- Loses data: table public.travel_user_settings with its rows.
-- Loses data: table public.travel_user with its rows.
-- Loses data: table public.travel_verification_token with its rows.
DROP FUNCTION "public"."travel_search_text"(content text);--> statement-breakpoint
DROP TABLE "public"."travel_account";--> statement-breakpoint
DROP TABLE "public"."travel_chat_share";--> statement-breakpoint
DROP TABLE "public"."travel_itinerary";--> statement-breakpoint
DROP TABLE "public"."travel_message_chunk";--> statement-breakpoint
DROP TABLE "public"."travel_message_feedback";--> statement-breakpoint
DROP TABLE "public"."travel_message_usage";--> statement-breakpoint
DROP TABLE "public"."travel_running_answer";--> statement-breakpoint
DROP TABLE "public"."travel_message";--> statement-breakpoint
DROP FUNCTION "public"."travel_search_lexemes"(owner text, content text);--> statement-breakpoint
DROP TABLE "public"."travel_chat";--> statement-breakpoint
DROP TABLE "public"."travel_search_cache";--> statement-breakpoint
DROP TABLE "public"."travel_search_day";--> statement-breakpoint
DROP TABLE "public"."travel_search_event";--> statement-breakpoint
DROP TABLE "public"."travel_session";--> statement-breakpoint
DROP TABLE "public"."travel_user_settings";--> statement-breakpoint
DROP TABLE "public"."travel_user";--> statement-breakpoint
DROP TABLE "public"."travel_verification_token";