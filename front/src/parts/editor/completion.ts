import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { PostgreSQL, type SQLNamespace, sql } from "@codemirror/lang-sql";
import type { Extension } from "@codemirror/state";

/** What there is to complete: `/api/console/words`. */
export interface Words {
  tables: { schema: string; name: string; visible: boolean; columns: [name: string, type: string][] }[];
  functions: { schema: string; name: string; visible: boolean }[];
}

const PLAIN = /^[a-z_][a-z0-9_$]*$/;
const quoted = (name: string): string => (PLAIN.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

function namespace(words: Words): SQLNamespace {
  const schemas: Record<string, Record<string, Completion[]>> = {};
  for (const table of words.tables) {
    (schemas[table.schema] ??= {})[table.name] = table.columns.map(([label, detail]) => ({
      label,
      detail,
      type: "property",
      apply: quoted(label),
    }));
  }
  return schemas;
}

/** The columns of every table that the text names: they are wanted before and after FROM alike. */
function columnsOfNamed(words: Words) {
  return (context: CompletionContext): CompletionResult | null => {
    const before = context.matchBefore(/[\w$]*/);
    if (!before || (before.from === before.to && !context.explicit)) return null;
    if (context.state.sliceDoc(Math.max(0, before.from - 1), before.from) === ".") return null;
    const text = context.state.doc.toString();
    const options = new Map<string, Completion>();
    for (const table of words.tables) {
      if (!text.includes(table.name)) continue;
      for (const [label, type] of table.columns) {
        if (!options.has(label))
          options.set(label, { label, detail: `${type}, ${table.name}`, type: "property", apply: quoted(label), boost: 2 });
      }
    }
    for (const each of words.functions) {
      const label = each.visible ? each.name : `${each.schema}.${each.name}`;
      options.set(`${label}()`, { label, type: "function", detail: "function", apply: `${quoted(label)}(` });
    }
    return { from: before.from, options: [...options.values()], validFor: /^[\w$]*$/ };
  };
}

export function postgresql(words: Words | undefined): Extension {
  if (!words) return sql({ dialect: PostgreSQL });
  const home = words.tables.find((table) => table.visible)?.schema;
  return [
    sql({ dialect: PostgreSQL, schema: namespace(words), ...(home ? { defaultSchema: home } : {}) }),
    PostgreSQL.language.data.of({ autocomplete: columnsOfNamed(words) }),
  ];
}
