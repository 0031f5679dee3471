export { redisGrantStore } from './stores/redis/store.js';
export type { RedisGrantStoreOptions } from './stores/redis/options.js';
export { contractNamespaces, type ContractNamespacesOptions, type ContractReport } from './stores/redis/contract.js';
export type { RedisClient, RedisReply } from './stores/redis/client.js';
export { fromNodeRedis, type NodeRedisLike, type NodeRedisSubscriberLike } from './stores/redis/node-redis.js';
export { fromIoredis, type IoredisLike, type IoredisSubscriberLike } from './stores/redis/ioredis.js';
