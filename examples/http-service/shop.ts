// The shop: products and orders in two keyspaces, kept right by transactions. It knows nothing of HTTP but the errors of the API.
import { Context, Effect, Layer, Option } from "effect"
import { Keyspace, LsmStore, Transaction } from "effect-lsm"
import { InvalidPage, NotEnough, OrderDiffers, ProductNotFound, SkuTaken, Unavailable } from "./api.js"
import {
  bySku,
  type NewOrder,
  type NewProduct,
  type Order,
  Orders,
  type Product,
  type ProductPage,
  Products
} from "./domain.js"

export interface ShopService {
  readonly addProduct: (product: NewProduct) => Effect.Effect<Product, SkuTaken | Unavailable>
  readonly listProducts: (page: {
    readonly limit?: number | undefined
    readonly after?: string | undefined
  }) => Effect.Effect<ProductPage, InvalidPage | Unavailable>
  readonly getProduct: (sku: string) => Effect.Effect<Product, ProductNotFound | Unavailable>
  /** Takes what is ordered from the stock. The same order again is the order that was placed. */
  readonly placeOrder: (
    id: string,
    order: NewOrder
  ) => Effect.Effect<Order, ProductNotFound | NotEnough | OrderDiffers | Unavailable>
}

type ApiError = SkuTaken | ProductNotFound | NotEnough | OrderDiffers | InvalidPage

const isOfApi = <E>(error: E): error is Extract<E, ApiError> =>
  [SkuTaken, ProductNotFound, NotEnough, OrderDiffers, InvalidPage].some((type) => error instanceof type)

/** Logs an error that is not one of the API's, and returns `Unavailable` instead. */
const orUnavailable = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Extract<E, ApiError> | Unavailable, R> =>
  Effect.catchAll(effect, (error): Effect.Effect<never, Extract<E, ApiError> | Unavailable> => {
    if (isOfApi(error)) return Effect.fail(error)
    return Effect.zipRight(Effect.logError("the store failed", error), Effect.fail(new Unavailable()))
  })

const make = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const products = yield* Keyspace.open(Products)
  const orders = yield* Keyspace.open(Orders)

  const addProduct: ShopService["addProduct"] = (product) =>
    Transaction.transact(store, (tx) =>
      Effect.gen(function* () {
        const rows = yield* products.within(tx)
        const [last] = yield* rows.collect({ reverse: true, limit: 1 })
        const id = (last?.key ?? 0) + 1
        yield* rows.put(id, product)
        return { id, ...product }
      })
    ).pipe(
      Effect.catchTag("UniqueViolation", () => Effect.fail(new SkuTaken({ sku: product.sku }))),
      orUnavailable
    )

  const listProducts: ShopService["listProducts"] = ({ after, limit = 20 }) =>
    products.page({ after, limit }).pipe(
      Effect.map(({ next, rows }) => ({
        products: rows.map(({ key, value }) => ({ id: key, ...value })),
        next: next ?? null
      })),
      Effect.catchTag("InvalidArgument", ({ message }) => Effect.fail(new InvalidPage({ reason: message }))),
      orUnavailable
    )

  const getProduct: ShopService["getProduct"] = (sku) =>
    Effect.flatMap(products.by(bySku), (index) => index.get(sku)).pipe(
      orUnavailable,
      Effect.flatMap(
        Option.match({
          onNone: () => new ProductNotFound({ sku }),
          onSome: ({ key, value }) => Effect.succeed({ id: key, ...value })
        })
      )
    )

  const placeOrder: ShopService["placeOrder"] = (id, { quantity, sku }) =>
    Transaction.transact(store, (tx) =>
      Effect.gen(function* () {
        const inOrders = yield* orders.within(tx)
        const placed = yield* inOrders.get(id)
        if (Option.isSome(placed)) {
          const order = { id, ...placed.value }
          return order.sku === sku && order.quantity === quantity ? order : yield* new OrderDiffers({ order })
        }
        const inProducts = yield* products.within(tx)
        const found = yield* Effect.flatMap(inProducts.by(bySku), (index) => index.get(sku))
        if (Option.isNone(found)) return yield* new ProductNotFound({ sku })
        const { key, value } = found.value
        if (value.stock < quantity) return yield* new NotEnough({ sku, stock: value.stock })
        yield* inProducts.put(key, { ...value, stock: value.stock - quantity })
        yield* inOrders.put(id, { sku, quantity })
        return { id, sku, quantity }
      })
    ).pipe(orUnavailable)

  return { addProduct, listProducts, getProduct, placeOrder }
})

export class Shop extends Context.Tag("Shop")<Shop, ShopService>() {
  static readonly layer = Layer.effect(Shop, make)
}
