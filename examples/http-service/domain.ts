import { Schema } from "effect"
import { Keyspace } from "effect-lsm"

export const Sku = Schema.String.pipe(Schema.pattern(/^[A-Z0-9-]{1,40}$/))
const Count = Schema.NonNegativeInt

export const NewProduct = Schema.Struct({ sku: Sku, name: Schema.String, stock: Count })
export type NewProduct = typeof NewProduct.Type

/** `id` is given by the shop, and is the order in which products came. */
export const Product = Schema.Struct({ id: Schema.Number, sku: Sku, name: Schema.String, stock: Count })
export type Product = typeof Product.Type

export const ProductPage = Schema.Struct({ products: Schema.Array(Product), next: Schema.NullOr(Schema.String) })
export type ProductPage = typeof ProductPage.Type

export const NewOrder = Schema.Struct({
  sku: Sku,
  quantity: Schema.Int.pipe(Schema.filter((n) => n > 0 || "must be positive"))
})
export type NewOrder = typeof NewOrder.Type

/** The client chooses the id, so that it may send an order again when it got no response. */
export const OrderId = Schema.String.pipe(Schema.pattern(/^[\w-]{1,64}$/))
export const Order = Schema.Struct({ id: OrderId, sku: Sku, quantity: Schema.Number })
export type Order = typeof Order.Type

/** No two products have one SKU. */
export const bySku = Keyspace.index({
  name: "sku",
  on: Schema.String,
  of: ({ sku }: { readonly sku: string }) => sku,
  unique: true
})

export const Products = Keyspace.make({
  name: "products",
  key: Schema.Number,
  value: Schema.Struct({ sku: Sku, name: Schema.String, stock: Count }),
  indexes: [bySku]
})

export const Orders = Keyspace.make({
  name: "orders",
  key: OrderId,
  value: Schema.Struct({ sku: Sku, quantity: Schema.Number })
})
