/** Settings of a shop on a machine that may be busy: nothing fails because it takes long. */
export const patience = [
  "options.service/gateway.timeoutMs=30000",
  "policies.*.timeoutMs=15000",
  "policies.shop.user.v1.User.timeoutMs=15000",
  "policies.shop.order.v1.Orders/place.timeoutMs=15000",
];
