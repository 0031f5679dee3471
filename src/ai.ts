export {
  toolApproval,
  type AiApproval,
  type AiApprovalFunction,
  type AiTool,
  type AiToolInput,
  type ApprovedTools,
  type ToolApprovalOptions,
} from './guards/ai/ai-sdk.js';
export type { Borrower, ToolRule, WaitingCall, Who } from './guards/ai/tool-run.js';
export {
  mcpTool,
  type McpContext,
  type McpExtra,
  type McpInput,
  type McpRefusal,
  type McpServerContext,
  type McpToolOptions,
} from './guards/ai/mcp.js';
export {
  needsApproval,
  type AgentCallDetails,
  type AgentRunContext,
  type ApprovedFunction,
  type NeedsApprovalOptions,
} from './guards/ai/openai-agents.js';
export type { ScopeFrom } from './guards/ai/scope-from.js';
