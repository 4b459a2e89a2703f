// postgres.js with nothing on top: tagged templates, which it prepares on each connection.
import postgres from "postgres";
import { plain, serve, words } from "./worker.ts";

const byColumn = (column: string) => column;

serve(async (url, connections) => {
  const sql = postgres(url, { max: connections, onnotice: () => {} });
  const insert = (user: string, chat: string, messages: object[]) => sql`
    with moved as (update b_chat set updated_at = now()
      where user_id = ${user} and id = ${chat})
    insert into b_message ${sql(messages)} returning *`;
  return {
    packages: ["postgres"],
    calls: {
      user_by_email: async (email: string) =>
        (await sql`select * from b_user where lower(email) = lower(${email})`)[0],
      user_with_accounts: async (id: string) => {
        const [[user], accounts] = await Promise.all([
          sql`select * from b_user where id = ${id}`,
          sql`select * from b_account where user_id = ${id}
              order by provider, provider_account_id`,
        ]);
        return { ...user, accounts };
      },
      chats_of_user: (user: string) => sql`
        select * from b_chat where user_id = ${user} order by updated_at desc, id desc limit 50`,
      chat_with_messages: async (user: string, id: string) => {
        const [[chat], messages] = await Promise.all([
          sql`select * from b_chat where user_id = ${user} and id = ${id}`,
          sql`select * from b_message where user_id = ${user} and chat_id = ${id}
              order by seq limit 100`,
        ]);
        return { ...chat, messages };
      },
      messages_before: (user: string, chat: string, seq: number) => sql`
        select * from b_message where user_id = ${user} and chat_id = ${chat} and seq < ${seq}
        order by seq desc limit 50`,
      settings_get: async (user: string) =>
        (await sql`select * from b_user_settings where user_id = ${user}`)[0],
      settings_update: async (user: string, theme: string, results: number) =>
        (
          await sql`
        insert into b_user_settings (user_id, theme, max_search_results)
        values (${user}, ${theme}, ${results}) on conflict (user_id) do update
        set theme = excluded.theme, max_search_results = excluded.max_search_results,
          updated_at = now() returning *`
        )[0],
      append_message: async (user_id: string, chat_id: string, id: string) => {
        const message = { id, chat_id, user_id, role: "user", content: words.said };
        return (await insert(user_id, chat_id, [message]))[0].id;
      },
      insert_messages: async (user_id: string, chat_id: string, tag: string) => {
        const messages = words.ten.map(([role, content], number) => ({
          id: `${tag}_${number}`,
          chat_id,
          user_id,
          role,
          content,
        }));
        return (await insert(user_id, chat_id, messages)).map((message) => message.id);
      },
      create_chat: async (user: string, id: string) =>
        (
          await sql`
        with made as (insert into b_chat (id, user_id, title)
            values (${id}, ${user}, ${words.title}) returning *),
          said as (insert into b_message (id, chat_id, user_id, role, content)
            select ${id}::text, made.id, made.user_id, ${words.first_role}::text,
              ${words.first_content}::text from made)
        select * from made`
        )[0].id,
      delete_chat: async (user: string, id: string) =>
        (await sql`delete from b_chat where user_id = ${user} and id = ${id} returning id`)[0].id,
    },
    plain: (pattern, answer) => plain(pattern, answer, byColumn),
    close: () => sql.end(),
  };
});
