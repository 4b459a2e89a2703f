export const sql = {} as const;
