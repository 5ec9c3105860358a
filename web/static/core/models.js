// Finds the weights of an architecture (such as "gated_pixelcnn"), and names and describes models for the page.
// `models` is `store.facts.models`: what the server says about each entry, which is the name of weights.

// The first entry of a kind, such as "gated_pixelcnn"; undefined if the server has none.
export const entryOfKind = (models, kind) => Object.keys(models).find((entry) => models[entry].model === kind);

// A model's name with its year, and a sentence about it. The text is "NAME, YEAR: SENTENCE".
const description = (i18n, entry) => (i18n.has(`model.${entry}`) ? i18n.t(`model.${entry}`) : entry);
export const modelName = (i18n, entry) => description(i18n, entry).split(": ")[0];
export const modelSummary = (i18n, entry) => description(i18n, entry).split(": ").slice(1).join(": ");
