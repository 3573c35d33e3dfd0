/**
 * The farm in front of clients: its model, the rules a farm keeps, and the balancer's files made from it.
 * Text out, nothing is written or run. Start with `model.ts`.
 */
export { renderHaproxy } from './haproxy.ts'
export { renderKeepalived } from './keepalived.ts'
export {
  checkFarm,
  type FarmModel,
  type FarmNode,
  type KeepalivedModel,
} from './model.ts'
