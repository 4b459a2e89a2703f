export const chart = {
  table: "Numbers as a table",
  tableOf: (title: string) => `Table: ${title}`,
  picture: (title: string, first: string, last: string) => `${title}, a chart from ${first} to ${last}. The table below has its numbers.`,
  units: { day: "Day (UTC)", week: "Week (UTC)", month: "Month (UTC)" },
} as const;
