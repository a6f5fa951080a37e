// What a new template begins with: a small plan that runs anywhere and shows what a check is.
// @ts-check

/** @param {string} name The template's name. */
export const sample = (name) => `apiVersion: pulser/v1
kind: Plan
metadata: {name: ${/^[a-z][a-z0-9-]*$/.test(name)
  ? name : "my-plan"}, version: 1.0.0, title: "What it does, in a few words"}
inputs:
  who: {type: string, default: world, title: Who is greeted}
steps:
  - id: greet
    title: Say hello
    effects: none
    shell: {argv: [echo, "hello {{ inputs.who }}"]}
    outputs: {said: "{{ result.output }}"}
    verify:
      - {id: exit, kind: shell}
      - {id: greeted, kind: shell, match: "^hello"}
`;
