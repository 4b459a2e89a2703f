"""Rows of people who wrote for a hundred days."""

from chatkeep.presets import deepsearch

P = "ai-app-template_"
SCHEMA = deepsearch.schema(prefix=P)

# 40,000 messages and 15,000 answers of 200 users on 100 days, in the order of their time.
FILL = f"""
drop index "{P}message_search_idx"; -- to feed it takes longer than all of this
insert into "{P}user" (id, email, created_at)
    select 'user_' || n, 'user_' || n || '@example.com', '2026-01-01Z'::timestamptz + n * interval '8 hours'
    from generate_series(0, 199) n;
insert into "{P}chat" (id, user_id, title, created_at)
    select 'chat_' || n, 'user_' || n % 200, 't', '2026-01-01Z'::timestamptz + n * interval '1 hour'
    from generate_series(0, 1999) n;
insert into "{P}message" (id, chat_id, user_id, role, content, created_at, metadata)
    select 'msg_' || n, 'chat_' || n % 2000, 'user_' || n % 200,
        (array['user', 'assistant'])[1 + (n / 200) % 2], 'text ' || n,
        '2026-01-01Z'::timestamptz + n * interval '216 seconds',
        case when n % 4 = 0 then jsonb_build_object('model', 'old-' || n % 3, 'tokens',
            jsonb_build_object('prompt', n % 50, 'completion', n % 7, 'total', n % 50 + n % 7)) end
    from generate_series(0, 39999) n;
insert into "{P}message_usage"
        (user_id, message_id, chat_id, model, prompt_tokens, completion_tokens, total_tokens, cost, created_at)
    select user_id, id, chat_id, 'model-' || n % 5, n % 100, n % 13, n % 100 + n % 13,
        case when n % 3 > 0 then (n % 100) * 0.000001 end, created_at
    from "{P}message" join generate_series(0, 39998, 2) n on id = 'msg_' || n where n % 8 > 0;
insert into "{P}search_cache" (query, results, expires_at, key_hash)
    select 'query ' || n, '[]', now() + n * interval '1 ms' + case when n <= 5000
        then interval '-1 day' when n <= 5060 then interval '30 minutes' when n <= 6440
        then interval '12 hours' else interval '30 days' end, decode(md5(n::text), 'hex')
    from generate_series(1, 20000) n;
"""
