-- chatkeep:reverse 450e7a4a311f55353bb9b9baea27939e8813d44556e5f72f4b481652a859556f
-- Loses data: table public.app_account with its rows.
-- Loses data: table public.app_chat_share with its rows.
-- Loses data: table public.app_message_chunk with its rows.
-- Loses data: table public.app_message_feedback with its rows.
-- Loses data: table public.app_message_usage with its rows.
-- Loses data: table public.app_running_answer with its rows.
-- Loses data: table public.app_message with its rows.
-- Loses data: table public.app_chat with its rows.
-- Loses data: table public.app_search_cache with its rows.
-- Loses data: table public.app_search_day with its rows.
-- Loses data: table public.app_search_event with its rows.
-- Loses data: table public.app_session with its rows.
-- Loses data: table public.app_user_settings with its rows.
-- Loses data: table public.app_user with its rows.
-- Loses data: table public.app_verification_token with its rows.
DROP FUNCTION "public"."app_search_text"(content text);--> statement-breakpoint
DROP TABLE "public"."app_account";--> statement-breakpoint
DROP TABLE "public"."app_chat_share";--> statement-breakpoint
DROP TABLE "public"."app_message_chunk";--> statement-breakpoint
DROP TABLE "public"."app_message_feedback";--> statement-breakpoint
DROP TABLE "public"."app_message_usage";--> statement-breakpoint
DROP TABLE "public"."app_running_answer";--> statement-breakpoint
DROP TABLE "public"."app_message";--> statement-breakpoint
DROP FUNCTION "public"."app_search_lexemes"(owner text, content text);--> statement-breakpoint
DROP TABLE "public"."app_chat";--> statement-breakpoint
DROP TABLE "public"."app_search_cache";--> statement-breakpoint
DROP TABLE "public"."app_search_day";--> statement-breakpoint
DROP TABLE "public"."app_search_event";--> statement-breakpoint
DROP TABLE "public"."app_session";--> statement-breakpoint
DROP TABLE "public"."app_user_settings";--> statement-breakpoint
DROP TABLE "public"."app_user";--> statement-breakpoint
DROP TABLE "public"."app_verification_token";