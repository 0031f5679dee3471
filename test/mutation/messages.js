import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Leaves the texts alone that are only told to people: what an error says. */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'messages', {
    shouldIgnore: ({ node, parentPath }) => {
      if (node.type !== 'StringLiteral' && node.type !== 'TemplateLiteral') return undefined;
      const thrown = parentPath?.node.type === 'NewExpression' && /Error$/.test(parentPath.node.callee.name ?? '');
      return thrown ? 'The text of an error.' : undefined;
    },
  }),
];
