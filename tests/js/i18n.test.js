// Translations: message format, choice of the language, errors of the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { ApiError } from "../../web/static/core/api.js";
import { formatMessage, I18n } from "../../web/static/core/i18n.js";

const catalog = (language) =>
  JSON.parse(readFileSync(new URL(`../../web/locales/${language}.json`, import.meta.url), "utf8"));
const CATALOGS = {
  en: { greeting: "Hello {name}", "about.no_response": "No response." },
  ko: { greeting: "{name} 안녕", "about.no_response": "응답 없음.", "error.busy": "{count}장", "message.bundled": "함께" },
};

test("parameters are filled in, missing ones are left as they are", () => {
  assert.equal(formatMessage("{a} of {b}", { a: 1, b: "x" }), "1 of x");
  assert.equal(formatMessage("{a} {missing}", { a: 0 }), "0 {missing}");
  assert.equal(formatMessage("no parameters", {}), "no parameters");
});

test("values are not formatted again", () => {
  assert.equal(formatMessage("{a} {b}", { a: "{b}", b: 2 }), "{b} 2");
});

test("plurals choose by the number and insert it for #", () => {
  const message = "{count, plural, one {# picture} other {# pictures}} in progress";
  assert.equal(formatMessage(message, { count: 1 }), "1 picture in progress");
  assert.equal(formatMessage(message, { count: 0 }), "0 pictures in progress");
  assert.equal(formatMessage(message, { count: "12" }), "12 pictures in progress");
  assert.equal(formatMessage(message, {}), message);
});

test("plurals can contain parameters, follow each other, and have only the form other", () => {
  assert.equal(formatMessage("{n, plural, one {# by {name}} other {# by {name} and others}}", { n: 2, name: "A" }), "2 by A and others");
  assert.equal(formatMessage("{a, plural, one {#} other {#s}}/{b, plural, one {#} other {#s}}", { a: 1, b: 3 }), "1/3s");
  assert.equal(formatMessage("{n, plural, other {#장}}", { n: 1 }, "ko"), "1장");
});

test("the form of a plural depends on the language", () => {
  const message = "{n, plural, one {one} other {other}}";
  assert.equal(formatMessage(message, { n: 1 }, "en"), "one");
  assert.equal(formatMessage(message, { n: 1 }, "ko"), "other", "Korean has no singular form");
});

test("unbalanced braces do no harm", () => {
  assert.equal(formatMessage("{a", { a: 1 }), "{a");
  assert.equal(formatMessage("a}", { a: 1 }), "a}");
  assert.equal(formatMessage("{}", {}), "{}");
});

test("messages are looked up in the chosen language; unknown keys are shown as they are", () => {
  const i18n = new I18n(CATALOGS);
  i18n.language = "en";
  assert.equal(i18n.t("greeting", { name: "Ada" }), "Hello Ada");
  assert.equal(i18n.t("unknown.key"), "unknown.key");
  assert.equal(i18n.nextLanguage, "ko");
  i18n.setLanguage("ko");
  assert.equal(i18n.t("greeting", { name: "Ada" }), "Ada 안녕");
  assert.equal(i18n.nextLanguage, "en");
});

test("errors and messages of the server are translated by their code, if there is a translation", () => {
  const i18n = new I18n(CATALOGS), error = new ApiError("12 pictures.", "busy", { count: 12 });
  const message = { code: "bundled", params: {}, text: "bundled" };
  i18n.language = "en";
  assert.equal(i18n.errorText(error), "12 pictures.");
  assert.equal(i18n.messageText(message), "bundled");
  assert.equal(i18n.errorText(new ApiError("?", "no_response")), "No response.");
  i18n.language = "ko";
  assert.equal(i18n.errorText(error), "12장");
  assert.equal(i18n.messageText(message), "함께");
  assert.equal(i18n.errorText(new ApiError("Other.", "other", {})), "Other.");
  assert.equal(i18n.errorText(new Error("Plain.")), "Plain.");
});

test("all messages of the page can be formatted", () => {
  for (const language of ["en", "ko"]) {
    for (const [key, message] of Object.entries(catalog(language))) {
      const names = [...message.matchAll(/\{(\w+)/g)].map(([, name]) => name);
      const params = Object.fromEntries(names.map((name) => [name, 2]));
      assert.doesNotMatch(formatMessage(message, params, language), /[{}#]/, `${language}: ${key}`);
    }
  }
});
