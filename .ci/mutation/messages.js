import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Calls that make an error: its class, or a function that does. */
const MAKERS = /(Error|^invalid|^misfit|^tooLong)$/;

/** Words for people; codes, fields and names contain no space. */
function isProse({ type, value, quasis }) {
  if (type === 'StringLiteral') return value.includes(' ');
  return type === 'TemplateLiteral' && quasis.some((part) => part.value.raw.includes(' '));
}

const isMaker = ({ node }) => (node.type === 'NewExpression' || node.type === 'CallExpression') && MAKERS.test(node.callee.name ?? '');

/** Skips the messages of errors: they may change in a patch, but codes and fields may not. */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'messages', {
    shouldIgnore: (path) => (isProse(path.node) && path.findParent(isMaker) !== null ? 'What an error says to people.' : undefined),
  }),
];
