/** Which of the bundled pages: a folder of `webview/`. The manifest has an activation for each, so that VS Code can restore it. */
export const pageNames = [
  'birth',
  'usage',
  'isolation',
  'timeline',
  'logs',
  'layers',
  'inspect',
  'namespaces',
] as const;
export type PageName = (typeof pageNames)[number];
