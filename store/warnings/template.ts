/** The documents' templates: `<%= username %>` stands for a value. Nothing else is carried out, whatever stands in one. */

export const VARIABLES = ['username', 'first_name', 'last_name', 'balance', 'warning_balance', 'currency', 'company', 'date'] as const;
export type Variables = Readonly<Record<(typeof VARIABLES)[number], string>>;

const PLACE = /<%=\s*([^%>]{1,60}?)\s*%>/g;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}

/** A name that is none stays as it stands: the reader sees what is wrong with the template. */
export function fill(template: string, variables: Variables, escape: (text: string) => string = (text) => text): string {
  return template.replaceAll(PLACE, (whole, name: string) => (Object.hasOwn(variables, name) ? escape(variables[name as keyof Variables]) : whole));
}

/** Of one line: whatever breaks it is a space. */
export function fillLine(template: string, variables: Variables): string {
  return fill(template, variables).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

/** Names that stand in a template, right or wrong. */
export function placesOf(template: string): readonly string[] {
  return [...template.matchAll(PLACE)].map(([, name = '']) => name);
}
