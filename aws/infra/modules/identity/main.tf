# A role for each component, each with what that component does and no more. Pods take theirs by their service account
# (IRSA); who may take a role is said in trust.tf, and what it may do in application.tf, platform.tf and jobs.tf.
locals {
  arn_prefix = { for service in ["application-autoscaling", "cloudwatch", "dynamodb", "eks", "glue", "logs", "sagemaker"] : service => "arn:${var.place.partition}:${service}:${var.place.region}:${var.place.account}" }
  database   = replace(var.name, "-", "_")
  lake       = var.bucket_arns["lake"]
  artifacts  = var.bucket_arns["artifacts"]

  service_accounts = {
    server  = { namespace = var.namespace, policy = data.aws_iam_policy_document.server.json }
    etl     = { namespace = var.namespace, policy = data.aws_iam_policy_document.etl.json }
    batch   = { namespace = var.namespace, policy = data.aws_iam_policy_document.batch.json }
    retrain = { namespace = var.namespace, policy = data.aws_iam_policy_document.retrain.json }
    monitor = { namespace = var.namespace, policy = data.aws_iam_policy_document.monitor.json }
  }
  platform = {
    aws-load-balancer-controller = { namespace = "kube-system", policy = data.aws_iam_policy_document.load_balancer.json }
    cluster-autoscaler           = { namespace = "kube-system", policy = data.aws_iam_policy_document.autoscaler.json }
    aws-node                     = { namespace = "kube-system", policy = data.aws_iam_policy_document.network.json }
    cloudwatch-agent             = { namespace = "amazon-cloudwatch", policy = data.aws_iam_policy_document.agent.json }
  }
  pods = merge(local.service_accounts, local.platform)
  jobs = {
    sagemaker = { service = "sagemaker.amazonaws.com", policy = data.aws_iam_policy_document.sagemaker.json }
    glue      = { service = "glue.amazonaws.com", policy = data.aws_iam_policy_document.glue.json }
  }
}

resource "aws_iam_role" "pod" {
  for_each = local.pods

  name               = "${var.name}-${each.key}"
  description        = "Service account ${each.value.namespace}/${each.key}"
  assume_role_policy = data.aws_iam_policy_document.pod_trust[each.key].json
}

resource "aws_iam_role_policy" "pod" {
  for_each = local.pods

  name   = "does"
  role   = aws_iam_role.pod[each.key].id
  policy = each.value.policy
}

resource "aws_iam_role" "job" {
  for_each = local.jobs

  name               = "${var.name}-${each.key}"
  description        = "Jobs of ${each.value.service}"
  assume_role_policy = data.aws_iam_policy_document.job_trust[each.key].json
}

resource "aws_iam_role_policy" "job" {
  for_each = local.jobs

  name   = "does"
  role   = aws_iam_role.job[each.key].id
  policy = each.value.policy
}

resource "aws_iam_openid_connect_provider" "ci" {
  count = var.ci_oidc == null ? 0 : 1

  url            = var.ci_oidc.issuer_url
  client_id_list = [var.ci_oidc.audience]
}

resource "aws_iam_role" "ci" {
  count = var.ci_oidc == null ? 0 : 1

  name               = "${var.name}-ci"
  description        = "The CI service: builds, trains, deploys"
  assume_role_policy = data.aws_iam_policy_document.ci_trust[0].json
}

resource "aws_iam_role_policy" "ci" {
  count = var.ci_oidc == null ? 0 : 1

  name   = "does"
  role   = aws_iam_role.ci[0].id
  policy = data.aws_iam_policy_document.ci.json
}

resource "aws_iam_role_policy_attachment" "score" {
  role       = aws_iam_role.pod["batch"].name
  policy_arn = var.score_policy_arn
}

resource "aws_iam_role_policy_attachment" "launch" {
  for_each = merge({ retrain = aws_iam_role.pod["retrain"].name }, var.ci_oidc == null ? {} : { ci = aws_iam_role.ci[0].name })

  role       = each.value
  policy_arn = var.launch_policy_arn
}
