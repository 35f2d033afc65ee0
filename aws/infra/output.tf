output "region" {
  description = "Region of everything made here."
  value       = var.region
}

output "name" {
  description = "Project and environment: first part of every name."
  value       = local.name
}

output "tags" {
  description = "The tags that everything made here carries."
  value       = local.tags
}

output "cluster_name" {
  description = "EKS cluster, for `aws eks update-kubeconfig`."
  value       = module.cluster.name
}

output "cluster_security_group_id" {
  description = "Security group that EKS made for the control plane and the nodes."
  value       = module.cluster.security_group_id
}

output "node_groups" {
  description = "Managed node groups by purpose (serving, jobs): name, label and bounds."
  value       = module.cluster.node_groups
}

output "kubernetes_namespace" {
  description = "Namespace whose service accounts may take the roles of service_account_role_arns."
  value       = local.namespace
}

output "service_account_role_arns" {
  description = "IRSA roles by service account of the namespace (server, etl, batch, retrain, monitor): the annotation eks.amazonaws.com/role-arn."
  value       = module.identity.service_account_role_arns
}

output "controllers" {
  description = "Helm charts that the cluster needs, by release: repository, chart, pinned version, namespace and values, role included."
  value       = module.identity.controllers
}

output "vpc_id" {
  description = "The network."
  value       = module.network.vpc_id
}

output "private_subnet_ids" {
  description = "Subnets of nodes and jobs."
  value       = module.network.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Subnets of NAT and load balancer."
  value       = module.network.public_subnet_ids
}

output "jobs_security_group_id" {
  description = "Security group of SageMaker and Glue jobs."
  value       = module.network.jobs_security_group_id
}

output "certificate" {
  description = "TLS certificate of domain_name and the DNS record that proves it; null without domain_name."
  value       = one(module.edge[*].certificate)
}

output "bucket_names" {
  description = "Buckets by purpose: lake, artifacts, audit, access_logs."
  value       = module.lake.bucket_names
}

output "zone_uris" {
  description = "Addresses by zone: incoming, lake (the root that `--lake` takes), raw, silver, gold, quarantine, predictions, to_score, scored, artifacts, registry, audit."
  value       = module.lake.uris
}

output "protected" {
  description = "Whether lake, artifacts and features are guarded against teardown."
  value       = var.protect_data
}

output "kms_key_arns" {
  description = "KMS keys by purpose: data, images, cluster, logs, alerts, audit."
  value       = module.security.key_arns
}

output "trail_name" {
  description = "CloudTrail trail."
  value       = local.trail_name
}

output "ecr_repository_urls" {
  description = "Image repositories by image: server, train."
  value       = module.registry.repository_urls
}

output "glue_database" {
  description = "Glue database of the lake's tables."
  value       = module.catalog.database
}

output "glue_job" {
  description = "Glue job that takes in till files."
  value       = module.catalog.job
}

output "athena_workgroup" {
  description = "Athena workgroup with the scan limit."
  value       = module.catalog.workgroup
}

output "athena_named_queries" {
  description = "Ids of the saved statements that make tables and views, in the order in which they are to be run."
  value       = module.catalog.named_queries
}

output "dynamodb_table" {
  description = "Online features."
  value       = module.features.table
}

output "feature_groups" {
  description = "SageMaker feature groups by group; empty when feature_groups is off."
  value       = module.features.groups
}

output "model_package_groups" {
  description = "SageMaker model package groups by task."
  value       = module.training.model_package_groups
}

output "sagemaker_role_arn" {
  description = "Role that SageMaker jobs and endpoints take."
  value       = module.identity.role_arns["sagemaker"]
}

output "training_limits" {
  description = "What IAM allows of a training job: instance types and seconds; volumes and output must use the data key, hosts the private subnets."
  value = {
    instance_types = var.training_instance_types
    max_seconds    = var.training_max_hours * 3600
  }
}

output "ci_role_arn" {
  description = "Role of the CI service; null without ci_oidc."
  value       = module.identity.ci_role_arn
}

output "sns_topic_arn" {
  description = "Topic of alarms and budgets."
  value       = module.observability.topic_arn
}

output "log_groups" {
  description = "CloudWatch log groups by purpose."
  value = merge(module.observability.log_group_names, {
    cluster = module.cluster.log_group
    flow    = module.network.flow_log_group
    trail   = module.security.trail_log_group
  })
}

output "metric_namespace" {
  description = "CloudWatch namespace of the application's metrics, for whatever emits them."
  value       = module.observability.metric_namespace
}

output "alarms" {
  description = "Names of the alarms."
  value       = module.observability.alarms
}

output "dashboard" {
  description = "CloudWatch dashboard."
  value       = module.observability.dashboard
}
