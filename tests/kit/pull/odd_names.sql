-- Names and texts that a writer of source may stumble over.
create table "Order" ("from" text, "select" int, "2x" int, "a-b" text, "a b" text, "a.b" text,
  "Ünïcode" text, "日本" text, "l" int, "int" int, "sa" text, "metadata" text, "Any" text, "print" text,
  "_hidden" text, "__x__" text, "items" text, "camelCase" text, "camel_case" text, "HTTPCode" int,
  primary key ("select"));
create table "order" (id int primary key, "from" int references "Order" ("select"));
create table "a.b" (id int primary key, up int references "a.b");
create table "class" (id int);
create table "print" (id int);
create table "schema" (id int);
create table "日本語" (id int);
create table "quote""d" ("x""y" text default 'a"b' check ("x""y" <> '%s :x \ {}'), z text default ':a:b');
create index "ix %" on "quote""d" ("x""y", (z || ':b')) where z <> ':c:';
create table "zero" ();
comment on table "zero" is E'tab\t, quote \'\'\' """ end\\ ';
create type "Weird Type" as enum ('', 'a''b', '"', E'new\nline', '%', ':x');
create type "none" as enum ();
create table uses (w "Weird Type" default ':x', ws "Weird Type"[], n "none");
