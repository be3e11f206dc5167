/**
 * The one file that imports the toolkit: its upstream is archived, and the day it no longer works it is replaced here.
 * Elements become known to the page by `registerToolkit`; pages make them with `element('vscode-button', ...)`.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeBadge,
  vsCodeButton,
  vsCodeProgressRing,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';

export function registerToolkit(): void {
  provideVSCodeDesignSystem().register(vsCodeBadge(), vsCodeButton(), vsCodeProgressRing(), vsCodeTextField());
}
