import { randomBytes } from 'node:crypto';
import { l10n, Uri, type Webview } from 'vscode';
import type { PageName } from './page-names.ts';

/** The skeleton of a page. Nothing may be loaded but its own script and style, and nothing may be reached from it. */
export function pageHtml(webview: Webview, extensionUri: Uri, page: PageName): string {
  const nonce = randomBytes(18).toString('base64');
  const file = (name: string) => webview.asWebviewUri(Uri.joinPath(pageFolder(extensionUri), name)).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file(`${page}.css`)}">
<title>Porthole</title>
</head>
<body>
<main id="app"><p>${escaped(l10n.t('Loading…'))}</p></main>
<script type="module" nonce="${nonce}" src="${file(`${page}.js`)}"></script>
</body>
</html>`;
}

export const pageFolder = (extensionUri: Uri): Uri => Uri.joinPath(extensionUri, 'dist', 'webview');

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
