//! French, as it is written in Canada: a space before the colon and the dollar sign, none before `!` and `?`.

use ucanpay_storefront::{PaymentState, RefundState};

use super::{Cart, Errors, Frame, History, Login, Menu, Merchant, Order, Refund, Review, Words};

pub(crate) const FRENCH: Words = Words {
    frame: Frame {
        skip: "Passer au contenu",
        navigation: "Principale",
        language: "Langue",
        footer: "Un petit café en exemple. Paiements par UCanPay.",
        for_the_merchant: "Pour le commerçant",
        to_the_menu: "Voir le menu",
        items: |count| match count {
            0 | 1 => format!("{count} article"),
            count => format!("{count} articles"),
        },
    },
    menu: Menu {
        title: "Menu",
        open_until: "Ouvert jusqu’à 18 h",
        headline: ["Du bon café, ", "un peu d’érable."],
        invitation: "Commandez ici, payez avec UCanPay sur votre téléphone et passez au comptoir.",
        view_cart: "Voir le panier",
        in_the_cart: " dans le panier",
        add: "Ajouter",
        add_to_the_cart: |name| format!("Ajouter au panier : {name}"),
    },
    cart: Cart {
        title: "Panier",
        heading: "Votre panier",
        ordered_before: "Rien n’a été commandé à l’instant : ce panier a déjà été commandé ou vidé.",
        changed: "Votre panier a changé entre-temps. Vérifiez-le avant de payer.",
        nothing_yet: "Il est encore vide.",
        items: "Articles",
        payment: "Paiement",
        total: "Total",
        quantity: "Quantité",
        add_something: "Ajouter autre chose",
        pay: |total| format!("Payer {total} avec UCanPay"),
        each: |price| format!("{price} l’unité"),
        one_less: |name| format!("Un de moins : {name}"),
        one_more: |name| format!("Un de plus : {name}"),
    },
    order: Order {
        title: "Votre commande",
        number: "Commande",
        ended: (
            "Cette commande est terminée",
            "Elle ne peut plus être payée. Rien n’a été prélevé; commandez de nouveau quand vous voulez.",
        ),
        looked_into: (
            "Nous vérifions",
            "Ce paiement doit être vu par une personne. Ne payez pas une deuxième fois; adressez-vous au comptoir.",
        ),
        almost_there: (
            "On y est presque",
            "Votre commande est notée. Passez à son paiement :",
        ),
        preparing: (
            "Préparation du paiement",
            "Nous attendons UCanPay. Cette page continue d’elle-même, et rien n’est commandé deux fois.",
        ),
        pay_now: |total| format!("Payer {total}"),
        to_pay: "À payer",
        in_progress: "Paiement en cours sur votre téléphone…",
        declined: "Cette tentative n’a pas abouti. Vous pouvez réessayer.",
        code: "Code QR du lien de paiement",
        scan: "Numérisez avec l’application UCanPay",
        pay: "Payer avec UCanPay",
        waiting: "En attente de votre paiement. Cette page se met à jour d’elle-même.",
        paid: "Payée",
        thanks: "Payé, merci!",
        received: |total| format!("{total} CA reçus."),
        ticket: "Votre numéro",
        called: "Nous l’appelons au comptoir.",
        to_the_kitchen: "En route vers la cuisine…",
        refunded: "Remboursée",
        all_went_back: |total| {
            format!(
                "Vous avez payé {total} CA, et tout vous a été rendu. Rien ne sera appelé au comptoir."
            )
        },
        refund_done: "remboursés",
        refund_failed: "pas encore remboursés; nous vérifions",
        refund_coming: "en cours de remboursement",
    },
    history: History {
        title: "Vos commandes",
        link: "Mes commandes",
        last: "Votre dernière commande",
        none: "Aucune commande encore depuis ce navigateur.",
        kept: "Ce navigateur retient vos dernières commandes pendant trente jours; personne d’autre ne voit la liste.",
        open: "La voir",
    },
    login: Login {
        title: "Commerçant",
        wrong: "Ce n’est pas le jeton d’administration de cette boutique.",
        token: "Jeton d’administration",
        hint: "Il a été affiché au démarrage de la boutique, sauf s’il est défini dans SHOP_ADMIN_TOKEN.",
        enter: "Ouvrir les commandes",
    },
    merchant: Merchant {
        pages: "Pages du commerçant",
        orders: "Commandes",
        log_out: "Se déconnecter",
        logged_out: "Déconnecté : cette liste n’est plus à jour.",
        log_in_again: "Se reconnecter",
        none: "Aucune commande encore. Elles s’affichent d’elles-mêmes.",
        needs_review: "à vérifier",
        paid_late: "payée en retard",
        ticket: "numéro",
        pages_of_list: "Pages de la liste",
        newer: "Plus récentes",
        older: "Plus anciennes",
        buyers_page: "La page du client",
    },
    refund: Refund {
        title: "Remboursements",
        none: "Aucun remboursement parmi les dernières commandes.",
        refund: "Rembourser",
        recorded: |amount| {
            format!("Remboursement de {amount} enregistré. La liste ci-dessous le suit.")
        },
        of: |amount| format!("Remboursement de {amount}"),
        one_at_a_time: "Un remboursement à la fois : attendez celui qui est en cours.",
        try_again: "Réessayer",
        amount_up_to: |most| format!("Montant, jusqu’à {most}"),
        reason: "Motif",
        usual_reason: "Quelque chose n’allait pas",
        refused: |why| format!("Pas remboursé : {why}."),
        bad_amount: "le montant s’écrit comme 4,50 et dépasse zéro",
        bad_reason: "le motif compte de 1 à 64 caractères, sans = ni &",
        too_much: |asked, left| format!("{asked} dépassent les {left} encore remboursables"),
        used: "Pas remboursé : ce formulaire a déjà été envoyé, avec un autre contenu. \
               Regardez les remboursements ci-dessous, et renvoyez-le si vous en voulez un de plus.",
        unsure: "Personne ne sait encore si ce remboursement est enregistré. \
                 Renvoyez le formulaire tel quel : rien n’est remboursé deux fois.",
    },
    review: Review {
        title: "À vérifier",
        none: "Rien à vérifier.",
        to_look_at: "À vérifier",
        money_went_back: "De l’argent a été rendu",
        paid_late: "Payée en retard",
        compare: "Comparez cette commande avec le portail du commerçant. Tant qu’ils ne concordent pas, ne remettez \
                  pas la marchandise et ne remboursez rien par d’autres voies.",
        found: "Ce qui a été constaté",
        example: "comparé avec le portail : …",
        done: "Vérifié",
        say_what: "Dites ce qui a été constaté.",
    },
    errors: Errors {
        not_found: (
            "Rien ici",
            "Cette page n’existe pas, ou le numéro de la commande a été coupé en route.",
        ),
        foreign: (
            "Ce formulaire est trop vieux",
            "Rien n’a été modifié. Revenez en arrière, rechargez la page et réessayez. La boutique a besoin de ses témoins (cookies).",
        ),
        other_site: (
            "Cela venait d’un autre site",
            "Rien n’a été modifié. Servez-vous des pages de la boutique.",
        ),
        method: (
            "Pas de cette façon",
            "Cette adresse sert aux formulaires et aux liens de la boutique. Rien n’a été modifié.",
        ),
        unreadable: (
            "Ce formulaire est incomplet",
            "Rien n’a été modifié. Revenez en arrière, rechargez la page et réessayez.",
        ),
        unavailable: (
            "Un instant, s’il vous plaît",
            "Quelque chose n’a pas fonctionné chez nous. Rechargez la page : rien n’est commandé ni payé deux fois.",
        ),
    },
    payment_state: |state| match state {
        PaymentState::Created => "en préparation",
        PaymentState::AwaitingPayment => "à payer",
        PaymentState::Paying => "paiement en cours",
        PaymentState::Paid => "payée",
        PaymentState::Failed => "échouée",
        PaymentState::Closed => "fermée",
        PaymentState::Expired => "expirée",
        _ => "inconnu",
    },
    refund_state: |state| match state {
        RefundState::Requested => "demandé",
        RefundState::Processing => "en cours",
        RefundState::Succeeded => "remboursé",
        RefundState::Failed => "échoué",
        RefundState::Closed => "fermé",
        _ => "inconnu",
    },
    products: &[
        ("espresso", "Espresso", "Double, corsé et sirupeux."),
        ("latte", "Latte", "Deux espressos sous un lait soyeux."),
        (
            "maple-latte",
            "Latte à l’érable",
            "Le latte de la maison, au sirop d’érable foncé.",
        ),
        (
            "cold-brew",
            "Café infusé à froid",
            "Infusé dix-huit heures, servi sur glace.",
        ),
        (
            "chai",
            "Chai masala",
            "Thé noir, cardamome, gingembre et lait.",
        ),
        (
            "croissant",
            "Croissant au beurre",
            "Feuilleté la nuit, cuit à six heures.",
        ),
        (
            "butter-tart",
            "Tartelette au beurre",
            "Coulante au milieu, comme il se doit.",
        ),
        (
            "cookie",
            "Biscuit à l’avoine",
            "Flocons d’avoine, beurre noisette, sel de mer.",
        ),
    ],
};
